"""Ways in which a photo is worse than one would like, in steps, measured on the face in it.

Sizes are shares of the face's width, so that a step means the same in every photo.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstsight.datasets import Archive
from firstsight.errors import ImageError
from firstsight.faces import Box, Detector, middle_face
from firstsight.images import read_image

Picture = NDArray[np.uint8]
GREY: Final = 128


def blurred(picture: Picture, box: Box, level: float) -> Picture:
    """A Gaussian blur; ``level`` is its standard deviation as a share of the face's width."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), level * box.width), np.uint8)


def small(picture: Picture, box: Box, level: float) -> Picture:
    """The photo shrunk until the face is ``level`` pixels wide; one that is smaller stays as it is."""
    scale = min(1.0, level / box.width)
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def compressed(picture: Picture, _: Box, level: float) -> Picture:
    """JPEG of quality ``level``."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "JPEG", quality=int(level))
    return read_image(written.getvalue())


def dark(picture: Picture, _: Box, level: float) -> Picture:
    """All values times ``level``."""
    return np.asarray(np.round(picture * level), np.uint8)


def rotated(picture: Picture, box: Box, level: float) -> Picture:
    """Turned by ``level`` degrees to the left about the middle of the face; edges carried on."""
    turn = cv2.getRotationMatrix2D(box.centre, level, 1.0)
    size = picture.shape[1::-1]
    return np.asarray(cv2.warpAffine(picture, turn, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def covered(picture: Picture, box: Box, level: float) -> Picture:
    """The lower ``level`` of the face's box filled with grey, as a mask or a scarf covers it."""
    height, width = picture.shape[:2]
    top, bottom = box.top + (1 - level) * box.height, box.top + box.height
    rows = slice(*(int(np.clip(round(y), 0, height)) for y in (top, bottom)))
    columns = slice(*(int(np.clip(round(x), 0, width)) for x in (box.left, box.left + box.width)))
    filled = picture.copy()
    filled[rows, columns] = GREY
    return filled


@dataclass(frozen=True, slots=True)
class Degradation:
    """One way, in steps from mild to hard."""

    name: str
    unit: str
    """Of its levels, in words."""
    levels: tuple[float, ...]
    apply: Callable[[Picture, Box, float], Picture]

    def folder(self, level: float) -> str:
        """Where the pictures of a step lie in a degraded archive."""
        return f"{self.name}-{level:g}"


DEGRADATIONS: Final = (
    Degradation("blurred", "of the face's width", (0.02, 0.04, 0.08), blurred),
    Degradation("small", "pixels wide", (48, 32, 24, 16), small),
    Degradation("compressed", "JPEG quality", (30, 15, 5), compressed),
    Degradation("dark", "of the light", (0.4, 0.2, 0.1), dark),
    Degradation("rotated", "degrees", (15, 30, 45), rotated),
    Degradation("covered", "of the face, from below", (0.2, 0.35, 0.5), covered),
)
STEPS: Final = {one.folder(level): (one, level) for one in DEGRADATIONS for level in one.levels}
"""Every step by its folder."""


def degraded(archive: Archive, names: Sequence[str]) -> Archive:
    """An archive that also holds those pictures in every step of every degradation.

    A step's picture is made when it is read, as a PNG; its name is the picture's, below the step's folder.
    """
    boxes = _Boxes(archive)

    def read(name: str) -> bytes:
        folder, _, own = name.partition("/")
        if folder not in STEPS:
            return archive.read(name)
        try:
            picture = read_image(archive.read(own))
        except ImageError as error:
            raise OSError(error.message) from error
        degradation, level = STEPS[folder]
        written = io.BytesIO()
        worse = degradation.apply(picture, boxes.find(own, picture), level)
        Image.fromarray(worse).save(written, "PNG", compress_level=1)
        return written.getvalue()

    sizes = {f"{folder}/{name}": archive.sizes[name] for folder in STEPS for name in names}
    return Archive(archive.path, {**archive.sizes, **sizes}, read, archive.stamps)


class _Boxes:
    """Where the face is in each picture as it was, searched for once."""

    def __init__(self, archive: Archive) -> None:
        self._detector = Detector()
        self._found: dict[str, Box] = {}
        self._lock = threading.Lock()

    def find(self, name: str, picture: Picture) -> Box:
        with self._lock:
            known = self._found.get(name)
        if known is None:
            height, width = picture.shape[:2]
            face = middle_face(self._detector.detect(picture), width, height)
            # Where no face is found, the middle of the picture takes its place.
            known = face.box if face else Box(width / 4, height / 4, width / 2, height / 2)
            with self._lock:
                self._found[name] = known
        return known
