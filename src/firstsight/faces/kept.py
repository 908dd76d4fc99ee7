"""The crop that a user may choose to keep: enough of the face for any model's template, and no more."""

from __future__ import annotations

import io
import json
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from firstsight.faces.alignment import align, similarity_transform

SIDE: Final = 256
"""Pixels; models' crops are 112 to 150 wide and show less around the face."""
PLACES: Final = np.array(
    ((96.0, 111.0), (160.0, 111.0), (128.0, 148.0), (100.0, 186.0), (156.0, 186.0)), np.float32
)
"""Where the landmarks are brought, (5, 2) pixels: every model's own crop lies inside."""
LANDMARKS: Final = "landmarks"
"""The PNG text field that holds where they really lie."""


def keep(picture: NDArray[np.uint8], landmarks: NDArray[np.floating]) -> bytes:
    """A PNG of the upright face, 256 x 256, with its landmarks written inside.

    Args:
        picture: (H, W, 3) uint8 RGB.
        landmarks: (5, 2) pixels in the picture.
    """
    matrix = similarity_transform(landmarks, PLACES)
    moved = landmarks @ matrix[:, :2].T + matrix[:, 2]
    note = PngInfo()
    note.add_text(LANDMARKS, json.dumps(np.round(moved, 3).tolist()))
    stream = io.BytesIO()
    Image.fromarray(align(picture, landmarks, PLACES, SIDE)).save(stream, "PNG", pnginfo=note)
    return stream.getvalue()


def kept_landmarks(crop: bytes) -> NDArray[np.float32]:
    """The landmarks written inside a crop that ``keep`` made: (5, 2) float32 pixels.

    Raises:
        ValueError: the crop holds none.
    """
    with Image.open(io.BytesIO(crop), formats=("PNG",)) as picture:
        note = picture.info.get(LANDMARKS)
    if not isinstance(note, str):
        raise ValueError("the crop holds no landmarks")
    return np.asarray(json.loads(note), dtype=np.float32).reshape(5, 2)
