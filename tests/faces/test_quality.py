from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firstsight.faces import Detector, Face
from firstsight.faces.quality import Limits, Measures, assess, judge, limits, measure
from firstsight.images import read_image

GOOD = Measures(size=60, sharpness=0.4, brightness=128, turn=0.05)
LIMITS = Limits(size=12, sharpness=0.1, darkest=20, brightest=200, turn=0.4)


@pytest.fixture(scope="module")
def portrait(people: dict[str, list[Path]]) -> NDArray[np.uint8]:
    return read_image(next(iter(people.values()))[0])


@pytest.fixture(scope="module")
def face(portrait: NDArray[np.uint8], detector: Detector) -> Face:
    (found,) = detector.detect(portrait)
    return found


def test_sample_people_may_be_enrolled(people: dict[str, list[Path]], detector: Detector) -> None:
    for pictures in people.values():
        for path in pictures:
            picture = read_image(path)
            assert assess(picture, detector.detect(picture)[0]).ok, path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 11.0}, "too small"),
        ({"sharpness": 0.09}, "too blurred"),
        ({"brightness": 19.0}, "too dark"),
        ({"brightness": 201.0}, "too bright"),
        ({"turn": 0.41}, "turned"),
    ],
)
def test_each_reason(change: dict[str, float], reason: str) -> None:
    assert judge(GOOD, LIMITS).ok
    bad = judge(replace(GOOD, **change), LIMITS)
    assert not bad.ok
    assert bad.score < 0.5
    assert len(bad.reasons) == 1
    assert reason in bad.reasons[0]


def test_every_reason_is_told_at_once() -> None:
    worst = judge(Measures(size=5, sharpness=0.01, brightness=3, turn=1.0), LIMITS)
    assert len(worst.reasons) == 4


@given(st.floats(1, 500), st.floats(0, 3), st.floats(0, 255), st.floats(0, 3))
def test_score_and_reasons_agree(size: float, sharpness: float, brightness: float, turn: float) -> None:
    found = judge(Measures(size, sharpness, brightness, turn), LIMITS)
    assert 0 <= found.score <= 1
    if found.reasons:
        assert found.score <= 0.5
    else:
        assert found.score >= 0.5


def test_size_is_told_in_pixels_of_the_photo(portrait: NDArray[np.uint8], face: Face) -> None:
    larger = np.asarray(cv2.resize(portrait, None, fx=2, fy=2), np.uint8)
    twice = replace(face, landmarks=face.landmarks * 2)
    assert measure(larger, twice).size == pytest.approx(2 * measure(portrait, face).size)


def test_blur_lowers_sharpness_and_nothing_else(portrait: NDArray[np.uint8], face: Face) -> None:
    before = measure(portrait, face)
    after = measure(np.asarray(cv2.GaussianBlur(portrait, (0, 0), 4), np.uint8), face)
    assert after.sharpness < 0.5 * before.sharpness
    assert after.brightness == pytest.approx(before.brightness, rel=0.1)
    assert (after.size, after.turn) == (before.size, before.turn)


def test_contrast_alone_does_not_change_sharpness(portrait: NDArray[np.uint8], face: Face) -> None:
    flat = (portrait * 0.5 + 60).astype(np.uint8)
    assert measure(flat, face).sharpness == pytest.approx(measure(portrait, face).sharpness, rel=0.15)


def test_light(portrait: NDArray[np.uint8], face: Face) -> None:
    dark = assess((portrait * 0.04).astype(np.uint8), face)
    assert "too dark" in dark.reasons
    bright = assess(np.clip(portrait * 4.0, 0, 255).astype(np.uint8), face)
    assert "too bright" in bright.reasons


def test_turn_does_not_depend_on_tilt_or_side(portrait: NDArray[np.uint8], face: Face) -> None:
    angle = 0.5
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    tilted = replace(face, landmarks=(face.landmarks - 80) @ spin.T + 80)
    assert measure(portrait, tilted).turn == pytest.approx(measure(portrait, face).turn, abs=1e-4)
    points = face.landmarks.copy()
    points[2] = points[:2].mean(axis=0) + 0.6 * (points[1] - points[0]) + (0, 30)
    assert measure(portrait, replace(face, landmarks=points)).turn > limits().turn


def test_shipped_limits_are_in_their_ranges() -> None:
    shipped = limits()
    assert 5 < shipped.size < 40
    assert 0 < shipped.sharpness < 1
    assert 0 < shipped.darkest < 60
    assert 160 < shipped.brightest < 255
    assert 0.2 < shipped.turn < 1
