from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from firstsight.evaluation.protocols.protocol import mean


@pytest.mark.parametrize("right", [True, False])
def test_trials_that_all_came_out_alike_have_an_interval_of_their_people(right: bool) -> None:
    """A bootstrap of them has no spread, and 2,000 trials of twelve people are no 2,000 people."""
    found = mean(np.full(2000, right), [f"p{number % 12}" for number in range(2000)], seed=0)
    wanted = binomtest(12 * right, 12).proportion_ci(0.95, "exact")
    assert found.value == right
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


def test_both_sides_of_a_pair_count_as_people() -> None:
    found = mean(np.array([True, True]), ["a", "c"], ["b", "d"], seed=0)
    assert found.low == pytest.approx(binomtest(4, 4).proportion_ci(0.95, "exact").low)


def test_one_error_is_left_to_the_bootstrap() -> None:
    right = np.arange(100) > 0
    found = mean(right, [f"p{number}" for number in range(100)], seed=0)
    assert 0.95 < found.low < found.value == 0.99 < found.high == 1
