"""What a detector says of one face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright picture; it may reach over the picture's edge."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) of the middle."""
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in a picture."""

    box: Box
    landmarks: NDArray[np.float32]
    """(5, 2), x and y in pixels: the eye on the picture's left, the eye on its right, the tip of the
    nose, the mouth's corner on the left, the one on the right."""
    confidence: float
    """The detector's own score, 0 to 1; no probability."""


def middle_face(faces: Sequence[Face], width: int, height: int) -> Face | None:
    """The face nearest to the middle of the picture: whom a data set's photo is of.

    Args:
        faces: of one picture.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """

    def distance(face: Face) -> float:
        x, y = face.box.centre
        return (x - width / 2) ** 2 + (y - height / 2) ** 2

    return min(faces, key=distance, default=None)
