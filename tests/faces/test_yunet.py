"""What is read from YuNet's answer is what OpenCV reads from it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.engines import VARIABLE
from firstsight.faces.yunet import Search, distinct, open_yunet
from firstsight.images import read_image

CONFIDENCE = 0.8


@pytest.fixture(scope="module")
def searches() -> tuple[Search, Search]:
    """In OpenCV, and in OpenVINO."""
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for engine in ("opencv", "openvino"):
            patch.setenv(VARIABLE, engine)
            found.append(open_yunet(CONFIDENCE))
    return found[0], found[1]


@pytest.fixture(scope="module")
def groups(together: dict[Path, tuple[str, ...]]) -> list[NDArray[np.uint8]]:
    return [np.ascontiguousarray(read_image(path)[:, :, ::-1]) for path in together]


@pytest.mark.parametrize("size", [None, (640, 480), (333, 250), (96, 96), (1, 1)])
def test_rows_are_those_of_opencv(
    searches: tuple[Search, Search], groups: list[NDArray[np.uint8]], size: tuple[int, int] | None
) -> None:
    seen = 0
    for picture in groups:
        shown = np.asarray(picture if size is None else cv2.resize(picture, size), np.uint8)
        expected, found = (search(shown) for search in searches)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=0.02)
        seen += len(found)
    assert seen or size in {(96, 96), (1, 1)}


def test_confidence_counts_as_in_opencv(
    groups: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {}
    for engine in ("opencv", "openvino"):
        monkeypatch.setenv(VARIABLE, engine)
        counts[engine] = [
            sum(len(open_yunet(least)(picture)) for picture in groups) for least in (0.01, 0.8, 0.93, 0.999)
        ]
    assert counts["openvino"] == counts["opencv"]
    assert counts["opencv"][1] > counts["opencv"][2] > counts["opencv"][3] == 0


def test_threads_do_not_disturb_one_another(
    searches: tuple[Search, Search], groups: list[NDArray[np.uint8]]
) -> None:
    pictures = [*groups, *(np.asarray(cv2.resize(groups[0], (320, 320)), np.uint8) for _ in range(6))]
    expected = [searches[1](picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        for found, alone in zip(pool.map(searches[1], pictures * 3), expected * 3, strict=True):
            np.testing.assert_allclose(found, alone, atol=1e-3)


def test_the_surest_row_of_a_face_stays() -> None:
    rows = np.zeros((4, 15), np.float32)
    rows[:, :4] = [(10, 10, 50, 50), (12, 10, 50, 50), (200, 10, 50, 50), (10, 12, 50, 50)]
    rows[:, 14] = 0.85, 0.95, 0.9, 0.81
    np.testing.assert_array_equal(distinct(rows), rows[[1, 2]])
    assert distinct(rows[:0]).shape == (0, 15)
