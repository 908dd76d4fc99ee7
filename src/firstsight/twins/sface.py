"""The tower of SFace: a plain MobileNet with PReLU, batch norms folded into its convolutions.

Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (IEEE TIP 2021);
the published network is the 112 x 112 MobileNetV1-like one of OpenCV Zoo (9.6 M parameters).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

WIDTHS: Final = (32, 64, 128, 128, 256, 256, *(512,) * 6, 1024, 1024)
"""Channels out of the first convolution, and of each stage after it, as published."""
STRIDES: Final = (1, 2, 1, 2, 1, 2, *(1,) * 5, 2, 1)
"""Of the depthwise convolution of each stage."""


def _unit(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> nn.Sequential:
    """A convolution (its batch norm folded in) and its PReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups),
        nn.PReLU(outputs),
    )


class SFaceTower(nn.Module):
    """(N, 3, 112, 112) float32, normalised RGB -> (N, 128) float32, not of unit length."""

    dimension: Final = 128

    def __init__(self, *, widths: Sequence[int] = WIDTHS) -> None:
        """Make the tower, as published or narrower.

        Raises:
            ValueError: not one width for each stage.
        """
        if len(widths) != len(WIDTHS) or min(widths) < 1:
            raise ValueError(f"sface has {len(WIDTHS)} widths above 0, not {list(widths)}")
        super().__init__()
        units = [_unit(3, widths[0], 3, 1, 1)]
        for (inputs, outputs), stride in zip(pairwise(widths), STRIDES, strict=True):
            units += [_unit(inputs, inputs, 3, stride, inputs), _unit(inputs, outputs, 1, 1, 1)]
        self.units = nn.Sequential(*units)
        self.project = nn.Linear(widths[-1] * 7 * 7, self.dimension)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of normalised crops."""
        maps: Tensor = self.units(pixels)
        embedded: Tensor = self.project(torch.flatten(maps, 1))
        return embedded
