from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firstsight.faces import Box, Face, middle_face

boxes = st.builds(Box, st.floats(-50, 300), st.floats(-50, 200), st.floats(1, 200), st.floats(1, 200))


def face(box: Box, confidence: float = 0.9) -> Face:
    return Face(box, np.zeros((5, 2), np.float32), confidence)


def test_the_centre_of_a_box() -> None:
    assert Box(10, 20, 6, 8).centre == (13, 24)


@given(st.lists(boxes, min_size=1, max_size=6))
def test_the_face_nearest_to_the_middle(found: list[Box]) -> None:
    faces = [face(box) for box in found]
    chosen = middle_face(faces, 300, 200)
    assert chosen is not None
    distances = [np.hypot(box.left + box.width / 2 - 150, box.top + box.height / 2 - 100) for box in found]
    assert distances[faces.index(chosen)] <= min(distances) + 1e-9


def test_neither_size_nor_confidence_nor_order_decides() -> None:
    large, small = face(Box(0, 0, 150, 150), 0.99), face(Box(145, 90, 20, 20), 0.6)
    assert middle_face([large, small], 300, 200) is small
    assert middle_face([small, large], 300, 200) is small


def test_width_and_height_are_not_mixed_up() -> None:
    wide, high = face(Box(150, 50, 2, 2)), face(Box(50, 150, 2, 2))
    assert middle_face([high, wide], 300, 100) is wide
    assert middle_face([wide, high], 100, 300) is high


def test_no_face() -> None:
    assert middle_face([], 300, 200) is None
