from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.datasets import Archive, Identities, one_shot, open_set
from firstsight.errors import DataError


def identities(counts: list[int]) -> Identities:
    pictures = {
        f"p{number:03d}": tuple(f"p{number:03d}/{photo}.jpg" for photo in range(count))
        for number, count in enumerate(counts)
    }
    names = [name for found in pictures.values() for name in found]
    return Identities(Archive(Path("none"), dict.fromkeys(names, 1), lambda name: b""), pictures)


def owner(name: str) -> str:
    return name.partition("/")[0]


counts = st.lists(st.integers(1, 5), min_size=12, max_size=30).filter(
    lambda found: sum(count > 1 for count in found) >= 6
)


@given(counts, st.integers(2, 10), st.integers(0, 1000))
def test_one_shot_episodes(found: list[int], ways: int, seed: int) -> None:
    data = identities(found)
    for episode in one_shot(data, ways, 20, seed):
        people = [owner(name) for name in episode.support]
        assert len(set(people)) == len(people) == ways
        assert people[0] == owner(episode.probe)
        assert episode.probe not in episode.support


@given(counts, st.integers(1, 5), st.integers(0, 1000))
def test_open_set_sides_do_not_mix(found: list[int], enrolled: int, seed: int) -> None:
    data = identities(found)
    drawn = open_set(data, enrolled, 8, 10, seed)
    assert len(set(drawn.gallery_people)) == len(drawn.gallery) == enrolled
    assert not set(drawn.gallery) & set(drawn.mated)
    assert set(drawn.mated_people) <= set(drawn.gallery_people)
    assert not set(drawn.stranger_people) & set(drawn.gallery_people)
    assert [owner(name) for name in drawn.strangers] == list(drawn.stranger_people)
    assert len(set(drawn.mated)) == len(drawn.mated)
    assert len(set(drawn.strangers)) == len(drawn.strangers)
    # Nobody gives a second photo while somebody has given none.
    if len(drawn.strangers) <= len(found) - enrolled:
        assert len(set(drawn.stranger_people)) == len(drawn.strangers)


def test_the_seed_decides() -> None:
    data = identities([3] * 20)
    assert one_shot(data, 5, 10, 1) == one_shot(data, 5, 10, 1) != one_shot(data, 5, 10, 2)
    assert open_set(data, 5, 5, 5, 1) == open_set(data, 5, 5, 5, 1) != open_set(data, 5, 5, 5, 2)


def test_draws_of_neighbouring_seeds_have_nothing_in_common() -> None:
    """Numbered from the seed on, four of five draws of seed 1 were those of seed 0."""
    data = identities([3] * 20)
    drawn = {open_set(data, 5, 5, 5, seed, number) for seed in range(3) for number in range(5)}
    assert len(drawn) == 15


def test_the_draws_of_seed_0_are_those_of_the_published_figures() -> None:
    data = identities([3] * 20)
    for number in range(5):
        known = np.random.default_rng((number, 5)).permutation(20)[:5]
        people = open_set(data, 5, 5, 5, 0, number).gallery_people
        assert people == tuple(f"p{place:03d}" for place in known)


def test_too_few_people() -> None:
    with pytest.raises(DataError):
        one_shot(identities([2, 2]), 3, 1, 0)
    with pytest.raises(DataError):
        one_shot(identities([1] * 9), 3, 1, 0)
    with pytest.raises(DataError):
        open_set(identities([2, 2, 1]), 3, 1, 1, 0)
    with pytest.raises(DataError):
        open_set(identities([2, 2]), 2, 1, 1, 0)
