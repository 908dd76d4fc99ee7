"""What a model sees of a picture: the crop of a face, or the whole, and how pixels become numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.faces import align
from firstsight.images import fitted


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A model's own template and number range; part of the contract of every template made by it."""

    size: int
    """Side of the square crop in pixels."""
    points: tuple[tuple[float, float], ...]
    """Where the five landmarks lie in the crop, in the order of ``Face.landmarks``; empty for a model of
    whole pictures (characters, signatures, products)."""
    mean: tuple[float, ...]
    """Subtracted from each channel (red, green and blue, or grey), 0 to 255."""
    scale: float
    """Multiplied after that."""
    mirrored: bool = False
    """Whether a crop and its mirror image are embedded and their sum taken."""
    oversample: int = 1
    """The crop is cut this many times larger and averaged, so that fine lines do not break."""
    shifted: int = 0
    """By so many pixels the crop is moved up, down, left and right, and all five are embedded and added."""

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Preprocessing:
        """From what ``asdict`` made of one, after its way through JSON.

        Raises:
            TypeError, KeyError, ValueError: it is none.
        """
        points = tuple((x, y) for x, y in values["points"])
        return cls(**{**values, "points": points, "mean": tuple(values["mean"])})

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return len(self.mean)

    @property
    def looks(self) -> str:
        """Its further views, as the command line is asked for them; empty without."""
        return options(self.mirrored, self.shifted)

    @property
    def template_points(self) -> NDArray[np.float32]:
        """The landmarks' places, (5, 2) float32 pixels."""
        return np.array(self.points, dtype=np.float32).reshape(-1, 2)

    @property
    def oversampled_points(self) -> NDArray[np.float32]:
        """The landmarks' places in the crop before averaging: pixel centres move by half a pixel less."""
        return self.template_points * self.oversample + np.float32((self.oversample - 1) / 2)

    @property
    def version(self) -> str:
        """A short digest of all of the above: another template, range or view, another version."""
        values: dict[str, Any] = asdict(self)
        # As it was before there was a choice.
        if self.oversample == 1:
            del values["oversample"]
        if not self.shifted:
            del values["shifted"]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:12]

    def crop(
        self, picture: NDArray[np.uint8], landmarks: NDArray[np.floating] | None = None
    ) -> NDArray[np.uint8]:
        """What the model sees of a picture.

        Args:
            picture: (H, W, 3) uint8 RGB.
            landmarks: (5, 2) of the face, in pixels; none for a model of whole pictures.

        Returns:
            (S, S, channels) uint8.
        """
        side = self.size * self.oversample
        if landmarks is None:
            return averaged(fitted(picture, side, self.channels), self.oversample)
        crop = align(picture, landmarks, self.oversampled_points, side)
        if self.channels == 1:
            crop = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
        return averaged(crop, self.oversample)


def options(mirrored: object, shifted: object) -> str:
    """What the command line is given for those views; empty for none."""
    return " ".join(["--mirrored"] * bool(mirrored) + [f"--shifted {shifted}"] * bool(shifted))


def averaged(crop: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """The crop made smaller by the mean of squares of ``times`` x ``times`` pixels, (H, W, C) uint8."""
    if times == 1:
        return crop
    side = crop.shape[0] // times
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(side, side, crop.shape[2])
