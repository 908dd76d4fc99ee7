from __future__ import annotations

import numpy as np
import pytest

from firstsight.evaluation.bootstrap import Weights, measure

OUTCOMES = np.array([1.0, 1, 0, 1, 0, 1, 1, 1, 0, 1] * 40)


def mean(weights: Weights) -> float:
    return float(weights @ OUTCOMES / weights.sum())


def test_with_one_trial_a_person_it_is_the_usual_interval() -> None:
    found = measure(mean, [str(place) for place in range(400)], seed=0)
    error = 1.96 * np.sqrt(0.7 * 0.3 / 400)
    assert found.value == pytest.approx(0.7)
    assert found.low == pytest.approx(0.7 - error, abs=0.01)
    assert found.high == pytest.approx(0.7 + error, abs=0.01)
    assert found.n == 400


def test_trials_of_one_person_do_not_narrow_it() -> None:
    # Ten people whose 40 trials all come out alike are ten trials.
    people = [str(place // 40) for place in range(400)]
    outcomes = np.repeat([1.0, 1, 0, 1, 0, 1, 1, 1, 0, 1], 40)
    found = measure(lambda w: float(w @ outcomes / w.sum()), people, seed=0)
    alone = measure(mean, [str(place) for place in range(400)], seed=0)
    assert found.high - found.low > 4 * (alone.high - alone.low)


def test_a_pair_of_one_person_counts_once() -> None:
    seen: list[list[float]] = []

    def keep(weights: Weights) -> float:
        seen.append(weights.tolist())
        return 0.0

    measure(keep, ["a", "b"], ["a", "b"], seed=0, replicates=50)
    # Each was drawn once, or one of them twice, whose pair then weighs 2 and not 4.
    assert {tuple(weights) for weights in seen} == {(1, 1), (2, 0), (0, 2)}
    seen.clear()
    measure(keep, ["a", "a"], ["b", "b"], seed=0, replicates=50)
    # Drawn (a, b) or (b, a), each pair weighs 1; drawn twice the same person, no pair is left.
    assert {tuple(weights) for weights in seen} == {(1, 1)}
    assert len(seen) < 50
    seen.clear()
    measure(keep, ["a", "a"], ["b", "c"], seed=0, replicates=200)
    # Of two people it is the product: drawn twice and once, their pair weighs 2.
    assert {tuple(weights) for weights in seen} == {(1, 1), (2, 0), (0, 2)}


def test_the_seed_decides() -> None:
    people = [str(place) for place in range(400)]
    assert measure(mean, people, seed=1) == measure(mean, people, seed=1)
    assert measure(mean, people, seed=1) != measure(mean, people, seed=2)
