"""Find every face in a picture: a fine search, and a coarse one for wide faces."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.faces.face import Box, Face
from firstsight.faces.yunet import YUNET, open_yunet
from firstsight.networks import chosen_engine

VERSION: Final = 2
"""Of how pictures are made ready for the search: another one finds faces in slightly other places."""
LARGEST: Final = 1280
"""Pictures are shrunk to this side for the search: smaller faces than 1/100 of it are not looked for."""
COARSE: Final = 400
"""Side for a second search of larger pictures: YuNet is less exact on wide faces, and overlooks those
of more than some 500 pixels."""
LARGE: Final = 40
"""From this width on, in pixels of the second search, its face is the better one."""
OVERLAP: Final = 0.4
"""Boxes of two searches that share this much (intersection over union) are one face."""


def edition(engine: str) -> str:
    """By which faces that were found are known from those that another detector would find.

    From constants: where all faces were found before, nobody needs the weights.
    """
    return f"{YUNET.sha256} {VERSION} {engine}"


class Detector:
    """Finds faces. Immutable, and safe to share between threads."""

    def __init__(self, confidence: float = 0.8, *, engine: str | None = None) -> None:
        """Read and check the weights.

        Args:
            confidence: least score of a face, 0 to 1.
            engine: what runs them; the chosen one where it is not told.

        Raises:
            ModelMissing, ModelDamaged: the weights.
            UsageError: the engine is not known, or not installed.
        """
        engine = engine or chosen_engine()
        self.edition = edition(engine)
        self._search = open_yunet(engine, confidence)

    def detect(self, picture: NDArray[np.uint8]) -> list[Face]:
        """Every face, from left to right.

        Args:
            picture: (H, W, 3) uint8 RGB.
        """
        fine = _shrunk(picture, LARGEST)
        coarse = _shrunk(fine, COARSE)
        size = picture.shape[1::-1]
        faces = self._find(fine, size)
        if coarse is not fine:
            faces = _distinct(faces, self._find(coarse, size), least=LARGE * max(size) / COARSE)
        if not faces:
            # A face that fills the picture is found once there is room around it.
            faces = self._find(coarse, size, margin=COARSE // 2)
        return sorted(faces, key=lambda face: face.box.centre)

    def _find(self, picture: NDArray[np.uint8], size: tuple[int, int], margin: int = 0) -> list[Face]:
        """Search the picture, widened by ``margin`` pixels all around; places are those of ``size``."""
        by = np.asarray(size) / picture.shape[1::-1]
        if margin:
            around = cv2.copyMakeBorder(picture, *(margin,) * 4, cv2.BORDER_REPLICATE)
            picture = np.asarray(around, np.uint8)
        rows = self._search(picture)
        # Each row: left, top, width, height, five points, score. The size is not shifted.
        shift = margin * np.repeat([1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2)
        found = (rows[:, :14] - shift) * np.tile(by, 7)
        return [
            Face(
                box=Box(*(float(value) for value in places[:4])),
                landmarks=places[4:].reshape(5, 2).astype(np.float32),
                confidence=float(row[14]),
            )
            for places, row in zip(found, rows, strict=True)
        ]


def _shrunk(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture, no longer than ``side``: halved as often as can be, for that is quick, then the rest."""
    height, width = picture.shape[:2]
    if (longest := max(height, width)) <= side:
        return picture
    size = [max(1, round(length * side / longest)) for length in (width, height)]
    while max(picture.shape[:2]) >= 2 * side:
        half = [max(1, round(length / 2)) for length in picture.shape[1::-1]]
        picture = np.asarray(cv2.resize(picture, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _distinct(fine: list[Face], coarse: list[Face], least: float) -> list[Face]:
    """Of faces whose boxes overlap much one only: the coarse search's if wide, else the surest."""
    faces = [*fine, *coarse]
    boxes = [(face.box.left, face.box.top, face.box.width, face.box.height) for face in faces]
    scores = [face.confidence for face in fine]
    scores += [face.confidence + (face.box.width >= least) for face in coarse]
    kept = cv2.dnn.NMSBoxes(boxes, scores, 0.0, OVERLAP) if faces else ()
    return [faces[int(index)] for index in kept]
