"""A tower that OpenVINO runs from an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.models.network import at_once
from firstsight.models.preprocessing import Preprocessing
from firstsight.networks import OPENVINO, Programs

if TYPE_CHECKING:
    from torch import nn


class OpenVinoNetwork:
    """See ``Network``."""

    engine: Final = OPENVINO

    def __init__(self, graph: bytes, seen: Preprocessing, *, tower: Callable[[], nn.Module]) -> None:
        """Read the graph; it is made ready for the processor when it is first used.

        Args:
            graph: ONNX: (N, C, S, S) float32 -> (N, D) float32, with one input.
            seen: how crops are brought into its range, which is made part of it.
            tower: makes the same in torch.

        Raises:
            UsageError: OpenVINO is not installed.
        """
        self._most = at_once(seen.size)
        self._programs = Programs(graph, mean=tuple(seen.mean), scale=seen.scale)
        self._tower = tower

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops: many at once, or one by one, for each number of them costs a program of its own."""
        whole = len(crops) - len(crops) % self._most
        parts = [crops[start : start + self._most] for start in range(0, whole, self._most)]
        parts += [crops[place : place + 1] for place in range(whole, len(crops))]
        return np.concatenate([self._programs(part)[0] for part in parts])

    def tower(self) -> nn.Module:
        """The same in torch."""
        return self._tower()
