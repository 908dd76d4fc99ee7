"""A model: weights, preprocessing, calibration and card, ready to embed crops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from firstsight.errors import NotCalibrated, UsageError
from firstsight.models.calibration import Calibration
from firstsight.models.card import Card
from firstsight.models.preprocessing import Preprocessing
from firstsight.twins import unit

CHUNK: Final = 8
"""Crops that pass through the tower at once: more of them spill the caches and take longer each."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """An opened model. Immutable, and safe to share between threads."""

    name: str
    digest: str
    """SHA-256 of the weight file."""
    tower: nn.Module
    """In evaluation mode, (N, 3, S, S) float32 -> (N, D) float32."""
    dimension: int
    preprocessing: Preprocessing
    card: Card
    calibration: Calibration | None

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed aligned crops.

        Args:
            crops: (N, S, S, 3) uint8 RGB, S the preprocessing's size; N may be 0.

        Returns:
            (N, D) float32, rows of unit length.

        Raises:
            UsageError: another shape or dtype.
        """
        size = self.preprocessing.size
        if crops.dtype != np.uint8 or crops.shape[1:] != (size, size, 3):
            raise UsageError(
                f"The model {self.name} embeds crops of {size} x {size} x 3 uint8, "
                f"not {crops.shape} {crops.dtype}.",
                hint="Align the faces to the model's own template first.",
            )
        if not len(crops):
            return np.empty((0, self.dimension), dtype=np.float32)
        with torch.inference_mode():
            chunks = [crops[start : start + CHUNK] for start in range(0, len(crops), CHUNK)]
            return unit(torch.cat([self._tower(self._pixels(chunk)) for chunk in chunks])).numpy()

    def similarity(self, probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of every probe with every template: (N, D), (M, D) unit rows -> (N, M), -1 to 1."""
        return probes @ templates.T

    def calibrated(self) -> Calibration:
        """The model's calibration.

        Raises:
            NotCalibrated: it has none.
        """
        if self.calibration is None:
            raise NotCalibrated(
                f"The model {self.name} has no calibration, so no threshold is known for it.",
                hint=f"Make one with `firstsight calibrate {self.name} --data FOLDER`.",
            )
        return self.calibration

    def _tower(self, pixels: Tensor) -> Tensor:
        embedded: Tensor = self.tower(pixels)
        return embedded + self.tower(pixels.flip(3)) if self.preprocessing.mirrored else embedded

    def _pixels(self, crops: NDArray[np.uint8]) -> Tensor:
        """(N, S, S, 3) uint8 -> (N, 3, S, S) float32, channels last in memory as the crops lie."""
        pixels = torch.from_numpy(np.array(crops, order="C")).permute(0, 3, 1, 2).float()
        mean = torch.tensor(self.preprocessing.mean).view(1, 3, 1, 1)
        return pixels.sub_(mean).mul_(self.preprocessing.scale)
