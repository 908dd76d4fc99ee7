from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from firstsight.evaluation.evidence import evidence, pool_adjacent_violators

values = st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 10)), min_size=1, max_size=60)


@given(values)
def test_pooling_agrees_with_scikit_learn(rows: list[tuple[float, float]]) -> None:
    wanted, weights = np.array(rows).T
    oracle = IsotonicRegression().fit(np.arange(len(rows)), wanted, weights).predict(np.arange(len(rows)))
    assert np.allclose(pool_adjacent_violators(wanted, weights), oracle, atol=1e-7)


def test_two_gaussians_give_their_log_likelihood_ratio() -> None:
    edges = np.linspace(-1, 1, 2001)
    centres = (edges[:-1] + edges[1:]) / 2
    impostor = np.exp(-((centres + 0.0) ** 2) / (2 * 0.1**2))
    mated = np.exp(-((centres - 0.4) ** 2) / (2 * 0.1**2))
    impostor *= 1e8 / impostor.sum()
    mated *= 1e6 / mated.sum()
    knots = np.array(evidence(edges, impostor, mated, 1e8))
    for score in (0.1, 0.2, 0.3):
        # Equal spread s and means 0 and m: ln LR = (m x - m^2 / 2) / s^2.
        expected = (0.4 * score - 0.08) / 0.01 / np.log(10)
        assert np.interp(score, *knots.T) == pytest.approx(expected, abs=0.05)


def test_no_ratio_is_infinite_and_caps_follow_the_number_of_trials() -> None:
    edges = np.linspace(-1, 1, 11)
    impostor, mated = np.zeros(10), np.zeros(10)
    impostor[:4], mated[6:] = 250, 25
    ratios = np.array(evidence(edges, impostor, mated, 1000))[:, 1]
    assert np.isfinite(ratios).all()
    assert (np.diff(ratios) > 0).all()
    assert ratios.max() <= np.log10(1000) + 0.01
    assert ratios.min() >= -np.log10(100) - 0.01
