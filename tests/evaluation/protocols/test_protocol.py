from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from firstsight.evaluation.protocols.protocol import mean, pair_measures


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


def test_rates_of_pairs_that_were_all_told_apart_are_not_certain_either() -> None:
    """Fifty people's own pairs, twenty others': the interval is that of the kind that the rate is about."""
    scores = np.r_[np.full(100, 0.9), np.full(200, 0.1)].astype(np.float32)
    mated = scores > 0.5
    left = [f"p{place % 50}" for place in range(100)] + [f"q{place % 10}" for place in range(200)]
    right = left[:100] + [f"r{place % 10}" for place in range(200)]
    found = pair_measures(scores, mated, np.full(300, True), (left, right), 0)
    tar, error = found["tar_at_far_1e-2"], found["equal_error_rate"]
    assert (tar.value, tar.high, error.value, error.low) == (1.0, 1.0, 0.0, 0.0)
    assert tar.low == pytest.approx(0.025 ** (1 / 50))
    assert error.high == pytest.approx(1 - 0.025 ** (1 / 20))
