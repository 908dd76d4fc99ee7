"""What runs a tower: the engine of plain ones, torch for others, onnxruntime for what was exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import nn

CHUNK: Final = 8 * 112 * 112
"""Pixels that pass through a tower at once: more of them spill the caches and take longer each."""


class Network(Protocol):
    """Runs a tower. Safe to share between threads."""

    @property
    def engine(self) -> str:
        """What runs it: engines agree closely, and not to the last digit."""

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops: (N, S, S, C) uint8, N > 0 -> (N, D) float32, not of unit length."""

    def tower(self) -> nn.Module:
        """The same in torch, to train on or to export: (N, C, S, S) float32 -> (N, D) float32."""


def at_once(side: int) -> int:
    """How many crops of that side pass through a tower at once."""
    return max(1, CHUNK // side**2)


def chunks(crops: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Crops in pieces of at most ``CHUNK`` pixels, or of one crop."""
    count = at_once(crops.shape[1])
    return [crops[start : start + count] for start in range(0, len(crops), count)]
