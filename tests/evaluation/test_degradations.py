from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.datasets import open_archive
from firstsight.evaluation.degradations import (
    DEGRADATIONS,
    GREY,
    Degradation,
    blurred,
    compressed,
    covered,
    dark,
    degraded,
    rotated,
    small,
)
from firstsight.faces import Box
from firstsight.images import read_image

SAMPLES = Path(__file__).parents[2] / "src" / "firstsight" / "samples"
BOX = Box(30, 20, 40, 50)


def noise(height: int = 100, width: int = 120) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("one", DEGRADATIONS, ids=lambda one: one.name)
def test_each_step_is_further_from_the_picture(one: Degradation) -> None:
    grid = np.linspace(0, 4 * np.pi, 120)
    waves = 127 + 60 * (np.sin(grid)[:, None] + np.cos(3 * grid)[None])
    picture = np.repeat(waves.astype(np.uint8)[:, :, None], 3, axis=2)
    before = picture.copy()
    away = []
    for level in one.levels:
        worse = one.apply(picture, Box(20, 15, 60, 80), level)
        assert worse.dtype == np.uint8
        again = cv2.resize(worse, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        away.append(abs(again.astype(float) - picture).mean())
    assert away[0] > 0
    assert away == sorted(away)
    assert (picture == before).all()


@given(st.floats(8, 200), st.floats(4, 60))
def test_a_small_face_is_as_wide_as_said(width: float, level: float) -> None:
    worse = small(noise(200, 240), Box(10, 10, width, width), level)
    scale = min(1.0, level / width)
    assert worse.shape[1] == max(1, round(240 * scale))
    assert worse.shape[0] == max(1, round(200 * scale))


def test_the_covered_part_is_the_lower_one_of_the_face_and_nothing_else() -> None:
    picture = noise()
    worse = covered(picture, BOX, 0.4)
    assert (worse[50:70, 30:70] == GREY).all()
    worse[50:70, 30:70] = picture[50:70, 30:70]
    assert (worse == picture).all()
    # A face that reaches over the edge is covered as far as there is a picture.
    beyond = covered(picture, Box(-10, 80, 400, 60), 1.0)
    assert (beyond[80:] == GREY).all()
    assert (beyond[:80] == picture[:80]).all()


def test_the_middle_of_the_face_stays_where_it_is_when_it_is_turned() -> None:
    picture = np.zeros((101, 101, 3), np.uint8)
    cv2.circle(picture, (60, 40), 3, (255, 255, 255), -1)
    cv2.circle(picture, (80, 40), 3, (90, 90, 90), -1)
    worse = rotated(picture, Box(50, 30, 20, 20), 30)
    assert worse[40, 60, 0] > 200
    # To the left: what was on the right of the middle comes above it.
    assert (
        abs(int(worse[round(40 - 20 * np.sin(np.pi / 6)), round(60 + 20 * np.cos(np.pi / 6)), 0]) - 90) < 30
    )


def test_the_blur_grows_with_the_face() -> None:
    step = np.zeros((80, 200, 3), np.uint8)
    step[:, 100:] = 255
    spread = []
    for width in (50, 100):
        profile = blurred(step, Box(0, 0, width, width), 0.04)[40, :, 0].astype(float)
        spread.append(np.diff(np.interp([0.16 * 255, 0.84 * 255], profile, np.arange(200)))[0] / 2)
    np.testing.assert_allclose(spread, [2, 4], rtol=0.1)


def test_dark_is_a_share_of_the_light_and_compression_is_jpeg() -> None:
    picture = noise()
    assert (dark(picture, BOX, 0.4) == np.round(picture * 0.4)).all()
    rough = [abs(compressed(picture, BOX, q).astype(int) - picture).mean() for q in (95, 5)]
    assert 0 < rough[0] < rough[1]


def test_an_archive_in_every_step_makes_pictures_when_they_are_read() -> None:
    archive = open_archive(SAMPLES)
    name = next(name for name in archive.sizes if name.startswith("people/"))
    other = next(one for one in archive.sizes if one.startswith("strangers/"))
    worse = degraded(archive, [name])
    steps = [one.folder(level) for one in DEGRADATIONS for level in one.levels]
    assert set(worse.sizes) == set(archive.sizes) | {f"{step}/{name}" for step in steps}
    assert worse.read(name) == archive.read(name)
    assert worse.read(other) == archive.read(other)
    assert worse.digest() != archive.digest()
    picture = read_image(archive.read(name))
    for step in ("dark-0.2", "rotated-30", "covered-0.5"):
        shown = read_image(worse.read(f"{step}/{name}"))
        assert shown.shape == picture.shape
        assert (shown != picture).any()
    # The face found in the picture sets the measure: the small one is far smaller than the photo.
    assert read_image(worse.read(f"small-16/{name}")).shape[1] < picture.shape[1] / 3


def test_a_picture_that_cannot_be_read_is_an_error_of_reading(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    worse = degraded(open_archive(tmp_path), ["bad.jpg"])
    with pytest.raises(OSError, match="not a picture"):
        worse.read("dark-0.2/bad.jpg")


def test_a_photo_without_a_face_is_degraded_about_its_middle(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (80, 60), (200, 10, 10)).save(tmp_path / "plain.png")
    worse = degraded(open_archive(tmp_path), ["plain.png"])
    shown = read_image(worse.read("covered-0.5/plain.png"))
    assert (shown[30:45, 20:60] == GREY).all()
    assert (shown[:30] == (200, 10, 10)).all()
