from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firstsight.faces import Detector
from firstsight.images import read_image


@pytest.fixture(scope="module")
def portrait(people: dict[str, list[Path]]) -> NDArray[np.uint8]:
    return read_image(next(iter(people.values()))[0])


def enlarged(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(picture).resize((side, side)))


def test_landmarks_lie_in_the_face_in_their_order(detector: Detector, portrait: NDArray[np.uint8]) -> None:
    (face,) = detector.detect(portrait)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    low = np.array([face.box.left, face.box.top])
    high = low + np.array([face.box.width, face.box.height])
    assert ((low < face.landmarks) & (face.landmarks < high)).all()
    assert 0.8 <= face.confidence <= 1


def test_no_face_in_a_plain_picture(detector: Detector) -> None:
    assert detector.detect(np.full((200, 300, 3), 128, np.uint8)) == []
    assert detector.detect(np.zeros((1, 1, 3), np.uint8)) == []


@pytest.mark.parametrize("side", [480, 1000, 2000, 3000])
def test_a_large_picture_gives_the_same_face_once(
    detector: Detector, portrait: NDArray[np.uint8], side: int
) -> None:
    (small,) = detector.detect(portrait)
    (large,) = detector.detect(enlarged(portrait, side))
    scale = side / len(portrait)
    sides = [
        (box.left / by, box.top / by, (box.left + box.width) / by, (box.top + box.height) / by)
        for box, by in ((small.box, 1.0), (large.box, scale))
    ]
    left, top = np.max(sides, axis=0)[:2]
    right, bottom = np.min(sides, axis=0)[2:]
    shared = (right - left) * (bottom - top)
    whole = small.box.width * small.box.height + large.box.width * large.box.height / scale**2 - shared
    assert shared / whole > 0.7


def test_wide_faces_are_taken_from_the_coarse_search(portrait: NDArray[np.uint8], detector: Detector) -> None:
    # As exact as on a picture of the size that YuNet was made for.
    reference = detector.detect(enlarged(portrait, 400))[0].landmarks / 400
    for side in (800, 1200, 2400):
        (face,) = detector.detect(enlarged(portrait, side))
        assert abs(face.landmarks / side - reference).max() < 0.01


@pytest.mark.parametrize(("width", "height"), [(2561, 1441), (4003, 2999), (1283, 5119)])
def test_places_are_those_of_the_picture_however_often_it_was_halved(
    detector: Detector, portrait: NDArray[np.uint8], width: int, height: int
) -> None:
    # In the corner where a wrong scale shows most; YuNet itself is a few hundredths of a face off.
    side = 1200
    page = np.full((height, width, 3), 128, np.uint8)
    page[-side:, -side:] = enlarged(portrait, side)
    (face,), (alone,) = detector.detect(page), detector.detect(enlarged(portrait, side))
    expected = alone.landmarks + np.array([width - side, height - side])
    assert abs(face.landmarks - expected).max() < 0.1 * alone.box.width


def test_a_face_that_fills_the_picture_is_found(detector: Detector, portrait: NDArray[np.uint8]) -> None:
    (whole,) = detector.detect(portrait)
    box = whole.box
    left, top = max(0, int(box.left)), max(0, int(box.top))
    tight = portrait[top : top + int(box.height), left : left + int(box.width)]
    (face,) = detector.detect(enlarged(tight, 900))
    assert face.box.width > 600


def test_faces_come_from_left_to_right(detector: Detector, people: dict[str, list[Path]]) -> None:
    row = np.concatenate([read_image(photos[0]) for photos in list(people.values())[:4]], axis=1)
    faces = detector.detect(row)
    assert len(faces) == 4
    assert [int(face.box.centre[0] // 160) for face in faces] == [0, 1, 2, 3]


def test_threads_share_a_detector(detector: Detector, portrait: NDArray[np.uint8]) -> None:
    sides = [160, 200, 240, 320] * 4
    alone = [detector.detect(enlarged(portrait, side))[0].landmarks for side in sides]
    with ThreadPoolExecutor(4) as pool:
        found = pool.map(lambda side: detector.detect(enlarged(portrait, side)), sides)
        for faces, expected in zip(found, alone, strict=True):
            np.testing.assert_array_equal(faces[0].landmarks, expected)
