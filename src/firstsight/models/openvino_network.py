"""A tower that OpenVINO runs from an ONNX graph, in bf16 where the processor computes in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.engines import BRAIN, OPENVINO, OpenVino
from firstsight.models.network import chunks
from firstsight.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import nn


class OpenVinoNetwork:
    """See ``Network``."""

    engine: Final = OPENVINO

    def __init__(self, graph: bytes, seen: Preprocessing, *, tower: Callable[[], nn.Module]) -> None:
        """Read the graph.

        Args:
            graph: ONNX: (N, C, S, S) float32 -> (N, D) float32, with one input.
            seen: how crops are brought into its range.
            tower: makes the same in torch.

        Raises:
            UsageError: OpenVINO is not installed.
        """
        shape = (-1, seen.channels, seen.size, seen.size)
        self._run = OpenVino(graph, shape, mean=seen.mean, scale=seen.scale, precision=BRAIN)
        self._tower = tower

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops."""
        return np.concatenate([self._run(part)[0] for part in chunks(crops)])

    def tower(self) -> nn.Module:
        """The same in torch."""
        return self._tower()
