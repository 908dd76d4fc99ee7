"""What is read from YuNet's answer is what OpenCV reads from it; OpenVINO finds the same faces."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.faces import yunet
from firstsight.faces.yunet import OFTEN, RECENT, Rows, Search, distinct, open_yunet
from firstsight.images import read_image
from firstsight.networks import OPENCV, OPENVINO, Programs, cores, programs

CONFIDENCE = 0.8


@pytest.fixture(scope="module")
def groups(together: dict[Path, tuple[str, ...]]) -> list[NDArray[np.uint8]]:
    return [read_image(path) for path in together]


@pytest.fixture(scope="module")
def in_opencv() -> Search:
    return open_yunet(OPENCV, CONFIDENCE)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenVINO searches from the first picture of a shape."""
    monkeypatch.setattr(yunet, "OFTEN", 1)


@pytest.fixture
def all_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps all bits: what differs then is not the arithmetic."""
    monkeypatch.setattr(programs, "PRECISION", "f32")


def sized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (width, height)), np.uint8)


@pytest.mark.usefixtures("at_once", "all_bits")
@pytest.mark.parametrize("size", [None, (592, 320), (333, 250), (1280, 700), (96, 96), (1, 1)])
def test_rows_are_those_of_opencv(
    in_opencv: Search, groups: list[NDArray[np.uint8]], size: tuple[int, int] | None
) -> None:
    search, seen = open_yunet(OPENVINO, CONFIDENCE), 0
    for picture in groups:
        shown = picture if size is None else sized(picture, *size)
        expected, found = in_opencv(shown), search(shown)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=0.02)
        seen += len(found)
    assert seen or size in {(96, 96), (1, 1)}


@pytest.mark.usefixtures("at_once", "all_bits")
def test_confidence_counts_as_in_opencv(groups: list[NDArray[np.uint8]]) -> None:
    pictures = [sized(picture, 256, 256) for picture in groups]
    counts = {
        engine: [
            sum(len(search(picture)) for picture in pictures)
            for search in (open_yunet(engine, least) for least in (0.01, 0.8, 0.9, 0.999))
        ]
        for engine in (OPENCV, OPENVINO)
    }
    assert counts[OPENVINO] == counts[OPENCV]
    assert counts[OPENCV][1] > counts[OPENCV][2] > counts[OPENCV][3] == 0


@pytest.mark.usefixtures("at_once")
def test_eight_bits_find_the_same_faces(in_opencv: Search, groups: list[NDArray[np.uint8]]) -> None:
    search = open_yunet(OPENVINO, CONFIDENCE)
    for picture in groups:
        expected, found = in_opencv(picture), search(picture)
        assert found.shape == expected.shape
        order, other = (np.argsort(rows[:, 0]) for rows in (expected, found))
        apart = abs(found[other] - expected[order])[:, 4:14]
        assert (apart.max(axis=1) < 0.03 * expected[order][:, 2]).all()


def test_openvino_is_made_ready_for_shapes_that_come_often(
    groups: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, ...]] = []
    whole = Programs.__call__

    def told(self: Programs, pictures: NDArray[np.uint8]) -> list[Rows]:
        seen.append(pictures.shape[1:3])
        return whole(self, pictures)

    monkeypatch.setattr(Programs, "__call__", told)
    search = open_yunet(OPENVINO, CONFIDENCE)
    usual, rare = sized(groups[0], 300, 160), sized(groups[0], 40, 40)
    for _ in range(OFTEN - 1):
        search(usual)
    assert not seen
    # As many pixels once they are whole strides.
    search(sized(groups[0], 310, 150))
    assert seen == [(160, 320)]
    # As often, but the first of them is too long ago.
    for number in range(RECENT):
        search(rare if number < OFTEN - 1 else sized(groups[0], 64, 64 + number))
    search(rare)
    assert (64, 64) not in seen


@pytest.mark.usefixtures("at_once")
@pytest.mark.skipif(cores() == 1, reason="one core answers one at a time")
def test_threads_do_not_disturb_one_another(groups: list[NDArray[np.uint8]]) -> None:
    search = open_yunet(OPENVINO, CONFIDENCE)
    sizes = [(416, 256), (256, 256), (592, 320), (1280, 700)]
    pictures = [sized(picture, *size) for picture in groups for size in sizes]
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        expected = [search(picture) for picture in pictures]
        assert sum(map(len, expected)) > len(groups)
        with ThreadPoolExecutor(4) as pool:
            for found, alone in zip(pool.map(search, pictures * 3), expected * 3, strict=True):
                np.testing.assert_allclose(found, alone, atol=1e-3)
    finally:
        cv2.setNumThreads(before)


def test_the_surest_row_of_a_face_stays() -> None:
    rows = np.zeros((4, 15), np.float32)
    rows[:, :4] = [(10, 10, 50, 50), (12, 10, 50, 50), (200, 10, 50, 50), (10, 12, 50, 50)]
    rows[:, 14] = 0.85, 0.95, 0.9, 0.81
    np.testing.assert_array_equal(distinct(rows), rows[[1, 2]])
    assert distinct(rows[:0]).shape == (0, 15)
