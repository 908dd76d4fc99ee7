"""Layouts that are also read by who runs a tower without torch."""

from __future__ import annotations

from typing import Final

SFACE_WIDTHS: Final = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
"""Channels out of SFace's first convolution, and of each stage after it, as published."""
SFACE_STRIDES: Final = (1, 2, 1, 2, 1, 2, *(1,) * 5, 2, 1)
"""Of the depthwise convolution of each stage."""
SFACE_DIMENSION: Final = 128
