from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from firstsight.evaluation.one_shot import one_shot_right
from firstsight.evaluation.open_set import Searches, search
from firstsight.gallery.index import inner_product

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


def test_one_shot_ties_are_errors() -> None:
    assert one_shot_right(np.array([1, 0, 0.6], np.float32))
    assert not one_shot_right(np.array([0, 1, 0.8], np.float32))
    assert not one_shot_right(np.zeros(3, np.float32))
    assert not one_shot_right(np.array([1, 1], np.float32))
