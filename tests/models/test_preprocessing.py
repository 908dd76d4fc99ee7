from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.faces import align
from firstsight.images import fitted
from firstsight.models import Model
from firstsight.models.preprocessing import Preprocessing, averaged

POINTS = ((19.0, 25.5), (41.0, 25.0), (30.5, 37.5), (21.5, 48.0), (40.0, 48.5))
FACES = Preprocessing(60, POINTS, (127.5, 127.5, 127.5), 1 / 128)
GREY = Preprocessing(20, (), (255.0,), -1 / 255)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_version_is_what_it_was_before_crops_could_be_oversampled() -> None:
    # The digest that templates in a gallery carry: of these five values and no others.
    lines = (
        '{"size": 2, "points": [[0.5, 1.0]], "mean": [1.0, 2.0, 3.0], "scale": 0.5, "mirrored": false}',
        '{"size": 2, "points": [[0.5, 1.0]], "mean": [1.0, 2.0, 3.0], "scale": 0.5, "mirrored": true}',
    )
    for line, mirrored in zip(lines, (False, True), strict=True):
        wanted = Preprocessing(2, ((0.5, 1.0),), (1.0, 2.0, 3.0), 0.5, mirrored)
        assert wanted.version == hashlib.sha256(line.encode()).hexdigest()[:12]


def test_another_preprocessing_is_another_version() -> None:
    others = [
        replace(FACES, size=61),
        replace(FACES, points=POINTS[::-1]),
        replace(FACES, points=()),
        replace(FACES, mean=(127.5,)),
        replace(FACES, mean=(127.5, 127.5, 127.0)),
        replace(FACES, scale=1 / 127.5),
        replace(FACES, mirrored=True),
        replace(FACES, oversample=2),
        replace(FACES, oversample=3),
        replace(FACES, shifted=1),
        replace(FACES, shifted=2),
    ]
    assert len({FACES.version, *(one.version for one in others)}) == 1 + len(others)
    assert replace(FACES).version == FACES.version


def test_channels_and_template() -> None:
    assert (FACES.channels, GREY.channels) == (3, 1)
    assert FACES.template_points.shape == (5, 2)
    assert FACES.template_points.dtype == np.float32
    assert GREY.template_points.shape == (0, 2)


def test_the_crop_of_a_face_is_the_aligned_one(sface: Model) -> None:
    picture = noise(160, 140)
    wanted = sface.preprocessing
    landmarks = 0.9 * wanted.template_points + 12
    crop = wanted.crop(picture, landmarks)
    assert (crop == align(picture, landmarks, wanted.template_points, wanted.size)).all()


def test_a_whole_picture_is_fitted() -> None:
    picture = noise(31, 17)
    assert (GREY.crop(picture) == fitted(picture, 20, 1)).all()
    colour = replace(GREY, mean=(0.0, 0.0, 0.0))
    assert (colour.crop(picture) == fitted(picture, 20, 3)).all()


def test_a_grey_model_sees_the_luma_of_a_face() -> None:
    picture = noise(80, 80)
    grey = replace(FACES, mean=(127.5,)).crop(picture, FACES.template_points)
    colour = FACES.crop(picture, FACES.template_points)
    assert grey.shape == (60, 60, 1)
    # Rec. 601, in whole numbers.
    assert abs(grey[:, :, 0] - colour @ np.array((0.299, 0.587, 0.114))).max() <= 1


@pytest.mark.parametrize("oversample", [2, 3])
def test_an_oversampled_crop_is_the_mean_of_a_larger_one(oversample: int) -> None:
    picture = noise(90, 70)
    # A pixel's middle is the middle of the pixels that it is the mean of.
    shift = (oversample - 1) / 2
    for plain, landmarks in ((FACES, FACES.template_points), (GREY, None)):
        wanted = replace(plain, oversample=oversample)
        crop = wanted.crop(picture, landmarks)
        assert crop.shape == (wanted.size, wanted.size, wanted.channels)
        large = replace(
            plain,
            size=plain.size * oversample,
            points=tuple((x * oversample + shift, y * oversample + shift) for x, y in plain.points),
        ).crop(picture, landmarks)
        blocks = large.reshape(wanted.size, oversample, wanted.size, oversample, wanted.channels)
        assert abs(crop - blocks.mean(axis=(1, 3))).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_averaged(times: int, channels: int) -> None:
    crop = noise(6 * times, 6 * times)[:, :, :channels]
    found = averaged(crop, times)
    assert found.shape == (6, 6, channels)
    assert found.dtype == np.uint8
    means = crop.reshape(6, times, 6, times, channels).mean(axis=(1, 3))
    assert abs(found - means).max() <= 0.5 + 1e-3
