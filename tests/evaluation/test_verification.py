from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from firstsight.evaluation.bootstrap import measure
from firstsight.evaluation.verification import (
    best_threshold,
    equal_error_rate,
    fold_answers,
    roc,
    tar_at_far,
)

Rate = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], float]

# Few distinct scores, so that ties are the rule.
pairs = st.lists(
    st.tuples(st.integers(-5, 5).map(lambda value: value / 5), st.booleans()),
    min_size=2,
    max_size=40,
).filter(lambda rows: len({mated for _, mated in rows}) == 2)


def arrays(rows: list[tuple[float, bool]]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return np.array([score for score, _ in rows]), np.array([mated for _, mated in rows])


@given(pairs)
def test_no_threshold_is_right_more_often_than_the_best(rows: list[tuple[float, bool]]) -> None:
    scores, mated = arrays(rows)
    found = ((scores >= best_threshold(scores, mated)) == mated).sum()
    tried = [((scores >= cut) == mated).sum() for cut in [*np.unique(scores), np.inf]]
    assert found == max(tried)


def test_the_best_threshold_lies_in_the_middle_of_the_gap() -> None:
    assert best_threshold(np.array([0.1, 0.9]), np.array([False, True])) == pytest.approx(0.5)


@given(st.floats(-1, 0.9375, width=32))
def test_the_two_of_a_gap_of_one_rounding_are_told_apart(below: float) -> None:
    """The middle of two neighbours is neither of them, and in their own precision may be the lower one."""
    low = np.float32(below)
    scores = np.array([np.nextafter(low, np.float32(1)), low])
    mated = np.array([True, False])
    threshold = best_threshold(scores, mated)
    assert ((scores >= threshold) == mated).all()
    assert ((scores.astype(np.float64) >= threshold) == mated).all()


@pytest.mark.parametrize("rate", [lambda s, m, w: tar_at_far(s, m, 0.1, w), equal_error_rate])
def test_a_replicate_without_one_kind_of_pair_tells_nothing(rate: Rate) -> None:
    """Of three people some replicates draw one alone, whose pairs are all mated."""
    scores = np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.75])
    mated = np.array([True, True, True, False, False, False])
    people = ["a", "b", "c", "a", "b", "c"], ["a", "b", "c", "b", "c", "a"]
    found = measure(lambda w: rate(scores, mated, w), *people, seed=0)
    assert 0 <= found.low <= found.value <= found.high <= 1
    for kind in (mated, ~mated):
        assert np.isnan(rate(scores, mated, kind.astype(float)))


def test_where_every_replicate_tells_nothing_all_is_possible() -> None:
    people = ["a", "b"], ["a", "c"]
    found = measure(lambda w: 0.5 if w.all() else float("nan"), *people, seed=0, replicates=1)
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


@given(pairs, st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
def test_tar_at_far_against_every_threshold(rows: list[tuple[float, bool]], far: float) -> None:
    scores, mated = arrays(rows)
    best = 0.0
    for cut in np.unique(scores):
        if (scores[~mated] >= cut).mean() <= far:
            best = max(best, float((scores[mated] >= cut).mean()))
    assert tar_at_far(scores, mated, far) == pytest.approx(best)


@given(pairs, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_weights_are_repetitions(rows: list[tuple[float, bool]], counts: list[int]) -> None:
    scores, mated = arrays(rows)
    weights = np.array(counts[: len(rows)])
    if not (weights[mated].any() and weights[~mated].any()):
        return
    repeated = tar_at_far(np.repeat(scores, weights), np.repeat(mated, weights), 0.2)
    assert tar_at_far(scores, mated, 0.2, weights.astype(float)) == pytest.approx(repeated)


@given(pairs)
def test_roc_agrees_with_scikit_learn(rows: list[tuple[float, bool]]) -> None:
    scores, mated = arrays(rows)
    false, true, _ = roc_curve(mated, scores, drop_intermediate=False)
    ours = roc(scores, mated)
    assert np.allclose(ours[0], false)
    assert np.allclose(ours[1], true)


def test_a_fold_never_sees_its_own_pairs() -> None:
    scores = np.array([0.9, 0.26, 0.3, 0.1, 0.4, 0.2])
    mated = np.array([True, False, True, False, True, False])
    folds = np.array([0, 0, 1, 1, 2, 2])
    # Thresholds from the others: 0.25, 0.33 and 0.28. By its own, every fold would be all right.
    assert fold_answers(scores, mated, folds).tolist() == [True, False, False, True, True, True]
