from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from firstsight.faces.alignment import align
from firstsight.faces.kept import PLACES, SIDE, keep, kept_landmarks
from firstsight.models import PUBLISHED, Published

LANDMARKS = np.array([[110, 100], [170, 110], [135, 140], [110, 175], [160, 180]], np.float32)
TEMPLATE = np.array([[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]], np.float32)


def smooth_picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    y, x = np.mgrid[0:300, 0:300] / 300
    waves = [np.sin(9 * x + 4 * y), np.cos(7 * x * y + 3), np.sin(11 * y - 5 * x)]
    return (np.stack(waves, axis=2) * 100 + 128).astype(np.uint8)


def test_a_kept_crop_aligns_as_the_photo_does() -> None:
    picture = smooth_picture()
    crop = keep(picture, LANDMARKS)
    kept = np.asarray(Image.open(io.BytesIO(crop)))
    assert kept.shape == (SIDE, SIDE, 3)
    again = align(kept, kept_landmarks(crop), TEMPLATE, 112).astype(int)
    direct = align(picture, LANDMARKS, TEMPLATE, 112).astype(int)
    assert abs(again - direct).max() <= 6


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda published: published.name)
def test_every_model_s_crop_lies_inside(published: Published) -> None:
    wanted = published.preprocessing
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    for tilt in (-0.05, 0.0, 0.05):
        spin = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        places = (PLACES - 128) @ spin.T * 0.97 + 128
        assert (align(white, places, wanted.template_points, wanted.size) == 255).mean() > 0.99


def test_a_picture_without_landmarks_is_refused() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "PNG")
    with pytest.raises(ValueError, match="no landmarks"):
        kept_landmarks(stream.getvalue())
