from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.datasets.dataset_makers import noise, smooth

from firstsight.datasets.augment import Augment

DRAWS = 2000
PAPER = Augment(rotation=10, shear=0.3, scale=0.2, shift=2 / 105)
FULL = Augment(
    mirror=True, light=0.2, colour=0.1, grey=0.5, blur=1.5, shrink=0.5, erase=0.5, rotation=15, scale=0.1
)
seeds = st.integers(0, 2**32)


def maps(augment: Augment, side: int = 105) -> NDArray[np.float64]:
    """(DRAWS, 2, 3)."""
    return np.stack([augment.matrix(np.random.default_rng(seed), side) for seed in range(DRAWS)])


def share_is(taken: NDArray[np.bool_], chance: float) -> bool:
    """Whether a share of independent draws lies within 5 standard errors of its probability."""
    return bool(abs(taken.mean() - chance) < 5 * np.sqrt(chance * (1 - chance) / taken.size))


@pytest.mark.parametrize("chance", [0.5, 0.2])
@pytest.mark.parametrize(
    ("component", "limit"), [("rotation", 10.0), ("shear", 0.3), ("scale", 0.2), ("shift", 2.0)]
)
def test_each_component_has_its_chance_and_its_range(component: str, limit: float, chance: float) -> None:
    ranges: dict[str, Any] = {component: limit / 105 if component == "shift" else limit}
    found = maps(Augment(chance=chance, **ranges))
    plain = np.eye(2)
    if component == "rotation":
        values = np.degrees(np.arctan2(found[:, 1, 0], found[:, 0, 0]))[:, None]
        np.testing.assert_allclose(np.linalg.det(found[:, :, :2]), 1)
        np.testing.assert_allclose(found[:, 0, 0], found[:, 1, 1])
    elif component == "shear":
        values = found[:, [0, 1], [1, 0]]
        np.testing.assert_allclose(found[:, [0, 1], [0, 1]], 1)
    elif component == "scale":
        values = found[:, [0, 1], [0, 1]] - 1
        np.testing.assert_allclose(found[:, [0, 1], [1, 0]], 0, atol=1e-12)
    else:
        values = found[:, :, 2]
        assert (found[:, :, :2] == plain).all()
    taken = abs(values) > 1e-9
    for axis in range(values.shape[1]):
        assert share_is(taken[:, axis], chance)
        drawn = values[taken[:, axis], axis]
        assert abs(drawn).max() <= limit + 1e-9
        # Uniform to either side: all of the range is used, and its middle is the mean.
        assert drawn.min() < -0.9 * limit
        assert drawn.max() > 0.9 * limit
        assert abs(drawn.mean()) < 5 * limit / np.sqrt(3 * len(drawn))
    if values.shape[1] == 2:
        assert share_is(taken[:, 0] & taken[:, 1], chance**2)


def test_components_are_taken_apart_from_each_other() -> None:
    found = maps(Augment(rotation=10, shift=0.1))
    turned, moved = abs(found[:, 0, 1]) > 1e-9, abs(found[:, :, 2] - pivot(found)) > 1e-9
    assert share_is(turned, 0.5)
    for axis in (0, 1):
        assert share_is(turned & moved[:, axis], 0.25)


def pivot(found: NDArray[np.float64], side: int = 105) -> NDArray[np.float64]:
    """The shift that the linear part alone needs to keep the middle: (N, 2)."""
    middle = np.full(2, (side - 1) / 2)
    return np.asarray(middle - found[:, :, :2] @ middle)


@given(seeds, st.integers(2, 210), st.booleans(), st.booleans())
def test_without_shift_the_middle_stays(seed: int, side: int, together: bool, mirror: bool) -> None:
    augment = Augment(chance=1, rotation=30, shear=0.3, scale=0.3, together=together, mirror=mirror)
    matrix = augment.matrix(np.random.default_rng(seed), side)
    middle = np.array([(side - 1) / 2, (side - 1) / 2, 1])
    np.testing.assert_allclose(matrix @ middle, middle[:2], atol=1e-9 * side)


@given(seeds, st.booleans())
def test_together_keeps_the_shape(seed: int, mirror: bool) -> None:
    augment = Augment(rotation=20, shear=0.3, scale=0.2, shift=0.1, together=True, mirror=mirror)
    linear = augment.matrix(np.random.default_rng(seed), 64)[:, :2]
    scale = np.sqrt(abs(np.linalg.det(linear)))
    assert 0.8 - 1e-9 <= scale <= 1.2 + 1e-9
    np.testing.assert_allclose(linear.T @ linear, scale**2 * np.eye(2), atol=1e-9)


def test_half_are_mirrored_and_only_when_asked() -> None:
    flipped = np.linalg.det(maps(Augment(rotation=10, mirror=True))[:, :, :2]) < 0
    assert share_is(flipped, 0.5)
    assert (np.linalg.det(maps(Augment(rotation=10))[:, :, :2]) > 0).all()


def test_a_mirrored_picture_is_the_mirror_image() -> None:
    picture = noise(1, 9, 9)
    matrix = np.array(((-1.0, 0, 8), (0, 1, 0)))
    drawn = [Augment(mirror=True).matrix(np.random.default_rng(seed), 9) for seed in range(10)]
    flips = [found for found in drawn if found[0, 0] < 0]
    assert 0 < len(flips) < 10
    np.testing.assert_allclose(flips[0], matrix, atol=1e-12)
    assert (Augment().warp(picture, flips[0], 9) == picture[:, ::-1]).all()


@given(seeds, st.integers(8, 64))
def test_a_bend_of_nothing_moves_as_the_map_does(seed: int, side: int) -> None:
    picture, draw = smooth(side), np.random.default_rng(seed)
    matrix = Augment(chance=1, rotation=20, shear=0.2, scale=0.2, shift=0.1).matrix(draw, side)
    straight = Augment(edge=True).warp(picture, matrix, side).astype(int)
    still = Augment(edge=True).warp(picture, matrix, side, np.zeros((side, side, 2), np.float32))
    assert abs(still.astype(int) - straight).max() <= 8  # two roundings of fixed-point arithmetic


def test_a_bend_is_smooth_and_as_large_as_asked() -> None:
    assert Augment().field(np.random.default_rng(0), 40) is None
    fields = [Augment(bend=0.05).field(np.random.default_rng(seed), 40) for seed in range(200)]
    found = np.stack([field for field in fields if field is not None])
    assert len(found) == len(fields)
    # At the knots the spread is 0.05 x 40 = 2 pixels; between them a mean of several is less.
    assert 1.0 < found.std() < 2.2
    assert abs(found.mean()) < 0.1
    assert abs(np.diff(found, axis=1)).mean() < 0.25 * found.std()


def test_a_bend_looks_where_the_field_says() -> None:
    picture = noise(1, 9, 9)
    field = np.zeros((9, 9, 2), np.float32)
    field[:, :, 0] = 2
    bent = Augment().warp(picture, np.eye(2, 3), 9, field)
    assert (bent[:, :7] == picture[:, 2:]).all()
    assert (bent[:, 7:] == 255).all()


def test_outside_of_the_picture_is_white_or_its_edge() -> None:
    dark = np.full((8, 8, 1), 40, np.uint8)
    aside = np.array(((1.0, 0, 4), (0, 1, 0)))
    white = Augment().warp(dark, aside, 8)
    assert (white[:, :4] == 255).all()
    assert (white[:, 4:] == 40).all()
    assert (Augment(edge=True).warp(dark, aside, 8) == 40).all()
    assert (Augment().warp(np.repeat(dark, 3, axis=2), aside, 8)[:, :4] == 255).all()


@given(seeds)
def test_nothing_is_done_by_default(seed: int) -> None:
    draw = np.random.default_rng(seed)
    np.testing.assert_array_equal(Augment().matrix(draw, 50), np.eye(2, 3))
    picture = noise(3)
    assert (Augment().tint(picture, draw) == picture).all()


@given(seeds, st.sampled_from([1, 3]), st.sampled_from([8, 33]))
def test_a_distortion_is_a_pure_function_of_its_generator(seed: int, channels: int, side: int) -> None:
    picture = noise(3, side, side)[:, :, :channels]
    before = picture.copy()
    first, second = (
        FULL.tint(
            FULL.warp(picture, FULL.matrix(draw := np.random.default_rng(seed), side), side),
            draw,
        )
        for _ in range(2)
    )
    assert first.shape == picture.shape
    assert first.dtype == np.uint8
    assert (first == second).all()
    assert (picture == before).all()


def test_other_draws_distort_otherwise() -> None:
    found = {PAPER.matrix(np.random.default_rng(seed), 105).tobytes() for seed in range(100)}
    # Nothing at all is taken with probability 1/2 ** 7.
    assert len(found) > 90


def tinted(augment: Augment, picture: NDArray[np.uint8], draws: int = 400) -> NDArray[np.uint8]:
    """(draws, S, S, C)."""
    return np.stack([augment.tint(picture, np.random.default_rng(seed)) for seed in range(draws)])


def test_colour_is_taken_away_with_its_chance() -> None:
    found = tinted(Augment(grey=0.3), smooth(16))
    grey = (found == found[..., :1]).all(axis=(1, 2, 3))
    assert share_is(grey, 0.3)
    weighed = cv2.cvtColor(smooth(16), cv2.COLOR_RGB2GRAY)
    assert (found[grey][0, :, :, 0] == weighed).all()
    assert (found[~grey][0] == smooth(16)).all()


def test_light_moves_all_channels_alike_and_colour_moves_them_apart() -> None:
    plain = np.full((4, 4, 3), 200, np.uint8)
    light = tinted(Augment(light=0.2), plain)[:, 0, 0].astype(int)
    assert (light == light[:, :1]).all()
    # At most 72.5 * 1.2 + 127.5 + 25.5 = 240, at least 72.5 * 0.8 + 127.5 - 25.5 = 160.
    assert 160 <= light.min() < 170
    assert 230 < light.max() <= 240
    colour = tinted(Augment(colour=0.2), plain)[:, 0, 0].astype(int)
    # 127.5 + 72.5 * (0.8 to 1.2), cut to whole numbers.
    assert 185 <= colour.min() < 188
    assert 211 < colour.max() <= 214
    assert abs(np.corrcoef(colour.T) - np.eye(3)).max() < 5 / np.sqrt(len(colour))


def test_half_are_blurred_and_a_part_made_small() -> None:
    picture = noise(4, 24, 24)
    for augment, chance in ((Augment(blur=2.0), 0.5), (Augment(shrink=0.3), 0.3)):
        found = tinted(augment, picture)
        # A slight blur or shrinking may leave the picture as it was; most do not.
        changed = (found != picture).any(axis=(1, 2, 3))
        assert 0.8 * chance < changed.mean() < chance + 5 * np.sqrt(chance * (1 - chance) / len(found))
        assert (found.std(axis=(1, 2, 3)) <= picture.std() + 1).all()
        assert found.std(axis=(1, 2, 3)).min() < picture.std() / 2


def test_the_slightest_blur_is_none() -> None:
    picture = noise(4)
    assert (tinted(Augment(blur=0.05), picture, 20) == picture).all()


def test_a_rectangle_of_noise_is_erased() -> None:
    side = 40
    plain = np.full((side, side, 1), 7, np.uint8)
    found = tinted(Augment(erase=0.5), plain)
    erased = (found != 7).any(axis=(1, 2, 3))
    assert share_is(erased, 0.5)
    areas = []
    for picture in found[erased]:
        rows, columns = np.nonzero(picture[:, :, 0] != 7)
        area = int(np.ptp(rows) + 1) * int(np.ptp(columns) + 1)
        # All that differs is one rectangle; noise may be 7 by chance, once in 256.
        assert len(rows) > 0.9 * area
        areas.append(area / side**2)
    assert max(areas) <= 0.2
    # Sides are cut down to whole pixels.
    assert min(areas) > 0.01
    assert max(areas) > 0.18
