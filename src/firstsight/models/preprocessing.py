"""How a crop must look for a model, and how its pixels become numbers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A model's own template and number range; part of the contract of every template made by it."""

    size: int
    """Side of the square crop in pixels."""
    points: tuple[tuple[float, float], ...]
    """Where the five landmarks lie in the crop, in the order of ``Face.landmarks``."""
    mean: tuple[float, float, float]
    """Subtracted from red, green and blue, 0 to 255."""
    scale: float
    """Multiplied after that."""
    mirrored: bool = False
    """Whether a crop and its mirror image are embedded and their sum taken."""

    @property
    def template_points(self) -> NDArray[np.float32]:
        """The landmarks' places, (5, 2) float32 pixels."""
        return np.array(self.points, dtype=np.float32)

    @property
    def version(self) -> str:
        """A short digest of all of the above: another template, range or mirroring, another version."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:12]
