from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.datasets.dataset_makers import classes_of

from firstsight.datasets.trials import Trial, drawer_trials, one_shot_trials
from firstsight.errors import DataError

counts = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=8), min_size=1, max_size=4)
Numbers = NDArray[np.int64]


def drawings(alphabets: list[int], people: int) -> tuple[Numbers, Numbers, Numbers]:
    """The character, alphabet and drawer of each row: so many characters, each by everybody."""
    rows = [
        (alphabet * 100 + character, alphabet, drawer)
        for alphabet, characters in enumerate(alphabets)
        for character in range(characters)
        for drawer in range(1, people + 1)
    ]
    found = np.random.default_rng(1).permutation(np.array(rows, dtype=np.int64))
    return found[:, 0], found[:, 1], found[:, 2]


def plain(trials: list[Trial]) -> list[tuple[int, list[int]]]:
    return [(trial.probe, trial.support.tolist()) for trial in trials]


@given(counts, st.integers(2, 6), st.integers(0, 99))
def test_one_shot_trials(found: list[list[int]], ways: int, seed: int) -> None:
    classes = classes_of(found)
    if not any(len(members) > 1 and max(members) > 1 for members in found):
        with pytest.raises(DataError, match="No one-shot trial"):
            one_shot_trials(classes.labels, classes.groups, ways, 1, seed)
        return
    trials = one_shot_trials(classes.labels, classes.groups, ways, 30, seed)
    assert len(trials) == 30
    for trial in trials:
        shown = classes.labels[trial.support]
        assert shown[0] == classes.labels[trial.probe]
        assert len(set(shown.tolist())) == len(shown)
        assert trial.probe not in trial.support
        (group,) = set(classes.groups[trial.support].tolist())
        assert group == classes.groups[trial.probe]
        assert len(shown) == min(ways, len(found[group]))


def test_groups_are_drawn_uniformly_whatever_their_size() -> None:
    classes = classes_of([[2] * 3, [2] * 30, [8] * 10])
    trials = one_shot_trials(classes.labels, classes.groups, 3, 3000, 0)
    drawn = np.bincount([classes.groups[trial.probe] for trial in trials])
    assert abs(drawn / 3000 - 1 / 3).max() < 5 * np.sqrt(2 / 9 / 3000)


def test_the_seed_decides() -> None:
    classes = classes_of([[3] * 10, [3] * 10])

    def drawn(ways: int, seed: int) -> list[tuple[int, list[int]]]:
        return plain(one_shot_trials(classes.labels, classes.groups, ways, 10, seed))

    assert drawn(5, 1) == drawn(5, 1) != drawn(5, 2)
    found = drawings([8, 8], 4)
    first, again, other = (plain(drawer_trials(*found, 5, 2, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_drawer_trials() -> None:
    characters, alphabets, drawers = drawings([25, 14, 20], 4)
    repeats = 3
    trials = drawer_trials(characters, alphabets, drawers, 20, repeats, 0)
    # An alphabet of fewer characters takes all that it has.
    assert len(trials) == repeats * (20 + 14 + 20)
    assert Counter(int(alphabets[trial.probe]) for trial in trials) == {0: 60, 1: 42, 2: 60}
    for trial in trials:
        assert characters[trial.support[0]] == characters[trial.probe]
        assert len(set(characters[trial.support].tolist())) == len(trial.support)
        (alphabet,) = set(alphabets[trial.support].tolist())
        assert alphabet == alphabets[trial.probe]
        (shown,) = set(drawers[trial.support].tolist())
        assert shown != drawers[trial.probe]


def test_every_character_of_one_drawer_is_asked_against_all_of_the_other_s() -> None:
    characters, alphabets, drawers = drawings([20], 20)
    pairs = set()
    for seed in range(10):
        trials = drawer_trials(characters, alphabets, drawers, 20, 1, seed)
        assert sorted(characters[trial.probe] for trial in trials) == list(range(20))
        assert len({frozenset(trial.support.tolist()) for trial in trials}) == 1
        (asked,) = {int(drawers[trial.probe]) for trial in trials}
        (shown,) = {int(drawers[row]) for trial in trials for row in trial.support}
        pairs.add((asked, shown))
    assert len(pairs) > 5


def test_an_alphabet_that_lacks_a_drawing_is_refused_with_a_word_on_why() -> None:
    characters, alphabets, drawers = drawings([20], 4)
    with pytest.raises(DataError, match="lack a drawing"):
        drawer_trials(characters[1:], alphabets[1:], drawers[1:], 20, 1, 0)
