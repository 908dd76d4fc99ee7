from __future__ import annotations

import re

import numpy as np
import pytest
from tools.overlap.__main__ import between, means

from firstsight.datasets.splits import people_of_lfw


def test_each_has_the_mean_of_their_own_templates() -> None:
    rows = np.array([[1, 0], [0, 1], [0, 1], [0, -1]], np.float32)
    names, mean = means(rows, np.array(["b", "a", "b", "c"]))
    assert names == ["a", "b", "c"]
    assert mean == pytest.approx(np.array([[0, 1], [0.5**0.5, 0.5**0.5], [0, -1]]))
    # Each pair once, nobody with themselves.
    assert [(between(mean) >= step).sum() for step in (-2, 0.7, 0.8)] == [3, 1, 0]


def test_the_list_is_of_numbers_as_celeba_has_them() -> None:
    assert people_of_lfw()
    assert all(re.fullmatch(r"\d{5}", number) for number in people_of_lfw())
