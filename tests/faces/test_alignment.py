from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from firstsight.faces import align, similarity_transform

POINTS = np.array([[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]], dtype=np.float64)
coordinates = st.floats(-500, 500, width=32)
clouds = arrays(np.float64, (5, 2), elements=coordinates).filter(lambda points: np.ptp(points) > 1)


def moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


@given(
    points=clouds,
    angle=st.floats(-math.pi, math.pi),
    scale=st.floats(0.1, 10),
    shift=st.tuples(coordinates, coordinates),
)
def test_a_similarity_transform_is_recovered(
    points: NDArray[np.float64], angle: float, scale: float, shift: tuple[float, float]
) -> None:
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    truth = np.array([[cosine, -sine, shift[0]], [sine, cosine, shift[1]]])
    found = similarity_transform(points, moved(points, truth))
    np.testing.assert_allclose(moved(points, found), moved(points, truth), atol=1e-6)


@given(source=clouds, target=clouds, nudge=arrays(np.float64, 4, elements=st.floats(-0.1, 0.1)))
def test_no_other_similarity_fits_better(
    source: NDArray[np.float64], target: NDArray[np.float64], nudge: NDArray[np.float64]
) -> None:
    best = similarity_transform(source, target)
    a, b, x, y = np.array([best[0, 0], best[1, 0], best[0, 2], best[1, 2]]) + nudge
    other = np.array([[a, -b, x], [b, a, y]])
    error = np.square(moved(source, best) - target).sum()
    assert error <= np.square(moved(source, other) - target).sum() * (1 + 1e-9) + 1e-6


@given(source=clouds, target=clouds)
def test_the_transform_never_mirrors(source: NDArray[np.float64], target: NDArray[np.float64]) -> None:
    matrix = similarity_transform(source, target)
    assert np.linalg.det(matrix[:, :2]) >= 0
    np.testing.assert_allclose(matrix[0, 0], matrix[1, 1])
    np.testing.assert_allclose(matrix[0, 1], -matrix[1, 0])


def test_coinciding_points_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform(np.ones((5, 2)), POINTS)


def test_landmarks_land_on_the_template() -> None:
    picture = np.zeros((300, 300, 3), dtype=np.uint8)
    turned = moved(POINTS, np.array([[1.2, -0.5, 120.0], [0.5, 1.2, 40.0]]))
    for x, y in turned.round().astype(int):
        picture[y - 2 : y + 3, x - 2 : x + 3] = 255
    crop = align(picture, turned, POINTS, 112)
    assert crop.shape == (112, 112, 3)
    assert crop.dtype == np.uint8
    for x, y in POINTS.astype(int):
        assert crop[y, x].min() > 200
    assert crop[10, 10].max() == 0


def test_beyond_the_picture_is_black() -> None:
    picture = np.full((60, 60, 3), 200, dtype=np.uint8)
    crop = align(picture, POINTS - 40, POINTS, 112)
    assert crop[0, 0].max() == 0
    assert crop[60, 60].min() == 200
