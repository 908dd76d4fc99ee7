"""A tower that OpenCV runs from an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.models.network import chunks
from firstsight.networks import OPENCV, Lent

if TYPE_CHECKING:
    from torch import nn


class OpenCvNetwork:
    """See ``Network``."""

    engine: Final = OPENCV

    def __init__(
        self,
        graph: bytes,
        *,
        entry: str,
        mean: tuple[float, ...],
        scale: float,
        tower: Callable[[], nn.Module],
    ) -> None:
        """Read the graph when it is first used.

        Args:
            graph: ONNX: (N, C, S, S) float32 -> (N, D) float32.
            entry: name of its input.
            mean: subtracted from each channel, 0 to 255.
            scale: multiplied after that.
            tower: makes the same in torch.
        """
        content = np.frombuffer(graph, np.uint8)
        self._networks = Lent(lambda: cv2.dnn.readNetFromONNX(content))
        self._entry, self._mean, self._scale = entry, mean, scale
        self._tower = tower

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops."""
        side = crops.shape[1]
        parts = []
        with self._networks.one() as network:
            for chunk in chunks(crops):
                pixels = cv2.dnn.blobFromImages(list(chunk), self._scale, (side, side), self._mean)
                network.setInput(pixels, self._entry)
                # The network writes its next answer into the same memory.
                parts.append(np.array(network.forward(), np.float32))
        return np.concatenate(parts)

    def tower(self) -> nn.Module:
        """The same in torch."""
        return self._tower()
