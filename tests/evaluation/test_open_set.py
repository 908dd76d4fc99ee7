from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firstsight.datasets.trials import Trial
from firstsight.evaluation.one_shot import LOWEST, one_shot_right, trial_scores, trials_right
from firstsight.evaluation.open_set import Searches, search
from firstsight.gallery.index import inner_product
from firstsight.twins.heads import build_head

GALLERY = np.eye(3, dtype=np.float32)
NAMES = np.array(["ann", "bob", "cyd"])


def test_a_wrong_person_above_the_threshold_is_a_miss() -> None:
    probes = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0, 0, 0.3]], np.float32)
    found = search(inner_product, GALLERY, NAMES, probes, np.array(["ann", "ann", "cyd"]), probes[:0])
    assert found.false_negatives(0.5).tolist() == [False, True, True]
    assert found.false_negatives(0.25).tolist() == [False, True, False]


def test_a_stranger_at_the_threshold_is_named() -> None:
    strangers = np.array([[0.5, 0, 0], [0, 0.4, 0]], np.float32)
    found = search(inner_product, GALLERY, NAMES, GALLERY, NAMES, strangers)
    assert found.false_positives(0.5).tolist() == [True, False]


@given(
    st.lists(st.integers(0, 20).map(lambda value: value / 20), min_size=1, max_size=50),
    st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.99]),
)
def test_the_threshold_names_as_many_strangers_as_allowed(scores: list[float], fpir: float) -> None:
    found = Searches(np.ones(1, np.float32), np.ones(1, bool), np.array(scores, np.float32))
    threshold = found.threshold_at(fpir)
    allowed = int(np.floor(fpir * len(scores) + 1e-9))
    assert found.false_positives(threshold).sum() <= allowed
    # Any lower one that names more strangers names too many.
    lower = [score for score in found.stranger_scores if score < threshold]
    if lower:
        assert found.false_positives(max(lower)).sum() > allowed


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.1, 0.34, 0.99]),
)
def test_who_weighs_twice_counts_twice_for_the_threshold(rows: list[tuple[int, int]], fpir: float) -> None:
    scores, weights = np.array(rows, np.float32).T
    if not weights.any():
        return
    nobody = np.ones(1, np.float32), np.ones(1, bool)
    repeated = Searches(*nobody, np.repeat(scores, weights.astype(int)))
    assert Searches(*nobody, scores).threshold_at(fpir, weights.astype(float)) == repeated.threshold_at(fpir)


def test_who_was_not_seen_is_nobody_by_a_euclidean_head() -> None:
    """Rows of zeros are at no distance from each other."""
    nobody = np.zeros((1, 3), np.float32)
    gallery, probes = np.concatenate([nobody, GALLERY[1:]]), np.concatenate([nobody, GALLERY[1:2]])
    seen = np.array([False, True, True])
    similarity = build_head("euclidean", 3).similarity_of
    found = search(
        similarity,
        gallery,
        NAMES,
        probes,
        np.array(["ann", "bob"]),
        probes,
        found=(seen, seen[:2], seen[:2]),
    )
    assert found.mated_scores.tolist() == found.stranger_scores.tolist() == [LOWEST, 1]
    # At no threshold, not even at the lowest score there is.
    assert found.false_negatives(-1).tolist() == [True, False]


def test_a_probe_or_a_support_without_a_face_is_an_error_by_a_euclidean_head() -> None:
    similarity = build_head("euclidean", 2).similarity_of
    rows = np.array([[0, 0], [0, 0], [1, 0], [1, 0], [0, 1]], np.float32)
    seen = np.array([False, False, True, True, True])
    trials = [
        Trial(0, np.array([1, 2])),  # neither the probe nor what is mated with it
        Trial(0, np.array([2, 4])),  # not the probe
        Trial(2, np.array([1, 4])),  # not what is mated with it
        Trial(2, np.array([3, 1])),  # not another
    ]
    scores = trial_scores(similarity, rows, trials, seen)
    assert [one_shot_right(one) for one in scores] == [False, False, False, True]
    assert scores[0].tolist() == scores[1].tolist() == [LOWEST, LOWEST]
    assert scores[2][0] == scores[3][1] == LOWEST
    # Without a word on faces, all were seen.
    assert trials_right(similarity, rows, trials).tolist() == [True, False, True, True]


def test_one_shot_ties_are_errors() -> None:
    assert one_shot_right(np.array([1, 0, 0.6], np.float32))
    assert not one_shot_right(np.array([0, 1, 0.8], np.float32))
    assert not one_shot_right(np.zeros(3, np.float32))
    assert not one_shot_right(np.array([1, 1], np.float32))
