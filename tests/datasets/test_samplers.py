from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.datasets.dataset_makers import classes_of

from firstsight.datasets.samplers import Batch, ByIdentity, ByPair, Classes, Sampler, Shuffled
from firstsight.errors import DataError

ALPHABETS = [[3, 4, 5], [2, 6], [4, 4, 4, 4]]
counts = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=5), min_size=1, max_size=4)


def samplers(seed: int, *, turned: bool = False) -> dict[str, Sampler]:
    classes = classes_of(ALPHABETS, turned=turned)
    return {
        "shuffled": Shuffled(classes, 6, seed),
        "identity": ByIdentity(classes, 4, 2, groups=2, steps=5, seed=seed),
        "pair": ByPair(classes, 8, pairs=64, seed=seed),
    }


def identities(classes: Classes, batch: Batch) -> list[int]:
    """The true identity of each row of a batch."""
    of_row = dict(zip(classes.rows.tolist(), classes.labels.tolist(), strict=True))
    return [of_row[row] for row in batch.rows.tolist()]


def same(left: Batch, right: Batch) -> bool:
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = [
        (left.rows, right.rows),
        (left.turns, right.turns),
        (left.labels, right.labels),
    ]
    chosen = (left.chosen is None) == (right.chosen is None)
    if left.chosen is not None and right.chosen is not None:
        pairs.append((left.chosen, right.chosen))
    return chosen and all(np.array_equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("kind", ["shuffled", "identity", "pair"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_batch_is_a_pure_function_of_seed_epoch_and_step(kind: str, turned: bool) -> None:
    used, fresh = samplers(7, turned=turned)[kind], samplers(7, turned=turned)[kind]
    everything = {(epoch, step): used.batch(epoch, step) for epoch in (0, 1) for step in range(len(used))}
    # Asked for in another order, of another sampler, after others were drawn.
    for (epoch, step), batch in reversed(everything.items()):
        assert same(fresh.batch(epoch, step), batch)
    first = used.batch(0, 0)
    assert not same(first, used.batch(1, 0))
    assert not same(first, used.batch(0, 1))
    assert not same(first, samplers(8, turned=turned)[kind].batch(0, 0))


@pytest.mark.parametrize("kind", ["shuffled", "identity", "pair"])
def test_labels_are_those_of_the_rows(kind: str) -> None:
    for turned in (False, True):
        sampler = samplers(3, turned=turned)[kind]
        classes = classes_of(ALPHABETS, turned=turned)
        for step in range(len(sampler)):
            batch = sampler.batch(0, step)
            assert len(batch.rows) == len(batch.turns) == len(batch.labels)
            expected = np.array(identities(classes, batch)) * classes.turns + batch.turns
            assert (batch.labels == expected).all()
            assert batch.labels.max() < classes.count
            assert ((batch.turns >= 0) & (batch.turns < classes.turns)).all()


def test_each_turn_is_a_class_of_its_own() -> None:
    assert classes_of(ALPHABETS).count == 9
    turned = classes_of(ALPHABETS, turned=True)
    assert turned.count == 36
    batch = turned.batch(np.array([0, 0, 1]), np.array([0, 3, 0]))
    assert batch.labels[1] - batch.labels[0] == 3
    assert len(set(batch.labels.tolist())) == 3


@pytest.mark.parametrize(("turned", "turns"), [(False, [0, 4]), (True, [0, 1, 2, 3, 4, 5, 6, 7])])
def test_each_mirror_image_is_a_class_of_its_own(turned: bool, turns: list[int]) -> None:
    classes = classes_of(ALPHABETS, turned=turned, mirrored=True)
    assert classes.count == 9 * len(turns)
    sampler = Shuffled(classes, 3, 1)
    shown: dict[int, set[tuple[int, int]]] = {}
    identity = dict(zip(classes.rows.tolist(), classes.labels.tolist(), strict=True))
    for step in range(len(sampler)):
        batch = sampler.batch(0, step)
        for row, turn, label in zip(batch.rows, batch.turns, batch.labels, strict=True):
            shown.setdefault(int(label), set()).add((identity[int(row)], int(turn)))
    # A label always means the same identity in the same turn, and each of them has one.
    assert sorted(one for found in shown.values() for one in found) == [
        (number, turn) for number in range(9) for turn in turns
    ]
    assert len(shown) == classes.count


@pytest.mark.parametrize("turned", [False, True])
def test_shuffled_shows_every_picture_in_every_turn_once_an_epoch(turned: bool) -> None:
    classes = classes_of([[3, 3], [3, 3]], turned=turned)
    sampler = Shuffled(classes, 6, 1)
    assert len(sampler) == 2 * classes.turns
    for epoch in (0, 1):
        seen = Counter[tuple[int, int]]()
        for step in range(len(sampler)):
            batch = sampler.batch(epoch, step)
            assert len(batch.rows) == 6
            assert batch.chosen is None
            seen.update(zip(batch.rows.tolist(), batch.turns.tolist(), strict=True))
        assert seen == Counter({(row, turn): 1 for row in classes.rows for turn in range(classes.turns)})


@given(counts, st.integers(2, 4), st.integers(1, 3), st.integers(0, 3), st.booleans(), st.integers(0, 99))
def test_p_identities_with_k_pictures_each(
    found: list[list[int]], wanted: int, each: int, groups: int, turned: bool, seed: int
) -> None:
    classes = classes_of(found, turned=turned)
    usable = sum(count >= each for members in found for count in members)
    if usable * classes.turns < wanted:
        with pytest.raises(DataError, match=f"{usable} identities have {each} pictures"):
            ByIdentity(classes, wanted, each, groups=groups, steps=3, seed=seed)
        return
    sizes = [sum(count >= each for count in members) for members in found for _ in range(classes.turns)]
    if sum(sorted(sizes)[-groups:]) < wanted:  # all of them, for 0
        with pytest.raises(DataError, match=f"No {groups} groups have more than"):
            ByIdentity(classes, wanted, each, groups=groups, steps=3, seed=seed)
        return
    sampler = ByIdentity(classes, wanted, each, groups=groups, steps=3, seed=seed)
    group_of = dict(zip(classes.rows.tolist(), classes.groups.tolist(), strict=True))
    for step in range(len(sampler)):
        batch = sampler.batch(0, step)
        assert batch.chosen is None
        # K pictures of each class, all different.
        assert set(Counter(batch.labels.tolist()).values()) == {each}
        shown = set(zip(batch.rows.tolist(), batch.turns.tolist(), strict=True))
        assert len(shown) == len(batch.rows)
        within = {
            (group_of[row], turn) for row, turn in zip(batch.rows.tolist(), batch.turns.tolist(), strict=True)
        }
        if groups:  # a turned alphabet is one of its own
            assert len(within) <= groups
        else:
            assert len(set(batch.labels.tolist())) == wanted


def test_identities_are_drawn_out_of_whole_groups_when_asked() -> None:
    sampler = ByIdentity(classes_of([[2] * 5] * 6), 5, 2, groups=1, steps=60, seed=0)
    classes = sampler.classes
    group_of = dict(zip(classes.rows.tolist(), classes.groups.tolist(), strict=True))
    drawn = Counter[int]()
    for step in range(60):
        (group,) = {group_of[row] for row in sampler.batch(0, step).rows.tolist()}
        drawn[group] += 1
    # All of the six alphabets come, each about ten times of sixty.
    assert sorted(drawn) == list(range(6))
    assert max(drawn.values()) < 10 + 5 * np.sqrt(60 * 5 / 36)


def test_small_groups_make_a_smaller_batch() -> None:
    """Omniglot's smallest alphabets have 14 characters, and a batch of the recipe 16 of each of two."""
    sampler = ByIdentity(classes_of([[2] * 5, [2] * 3]), 4, 2, groups=1, steps=20, seed=0)
    assert {len(sampler.batch(0, step).rows) for step in range(20)} == {8, 6}
    with pytest.raises(DataError, match="No 1 groups have more than 5 identities with 2 pictures") as caught:
        ByIdentity(classes_of([[2] * 5, [2] * 3]), 6, 2, groups=1, steps=20, seed=0)
    assert "sampler.groups" in caught.value.hint


@given(counts, st.integers(0, 99))
def test_pairs_are_mated_or_of_two_identities_of_one_group(found: list[list[int]], seed: int) -> None:
    classes = classes_of(found)
    mated = any(count > 1 for members in found for count in members)
    other = any(len(members) > 1 for members in found)
    if not (mated and other):
        with pytest.raises(DataError, match="No pairs"):
            ByPair(classes, 4, pairs=40, seed=seed)
        return
    sampler = ByPair(classes, 4, pairs=40, seed=seed)
    for number in range(40):
        left, right = sampler.pair(number)
        assert left != right
        assert classes.groups[left] == classes.groups[right]
        assert (classes.labels[left] == classes.labels[right]) == (number % 2 == 0)


def test_an_epoch_passes_once_through_one_fixed_list_half_of_it_mated() -> None:
    classes = classes_of(ALPHABETS)
    sampler = ByPair(classes, 8, pairs=400, seed=2)
    assert len(sampler) == 50
    lists = []
    for epoch in (0, 1):
        batches = [sampler.batch(epoch, step) for step in range(len(sampler))]
        lists.append(Counter(pair for batch in batches for pair in halves(batch)))
        mated = sum((batch.labels[:8] == batch.labels[8:]).sum() for batch in batches)
        assert mated == 200
    assert lists[0] == lists[1]
    of_list = Counter(sampler.pair(number) for number in range(400))
    assert lists[0] == Counter(
        {(int(classes.rows[left]), int(classes.rows[right])): of_list[left, right] for left, right in of_list}
    )


def halves(batch: Batch) -> list[tuple[int, int]]:
    """The pairs that a batch marks, as rows."""
    assert batch.chosen is not None
    left, right = np.nonzero(batch.chosen)
    return [(int(batch.rows[one]), int(batch.rows[other])) for one, other in zip(left, right, strict=True)]


def test_only_the_pairs_of_the_list_are_chosen() -> None:
    batch = samplers(1)["pair"].batch(0, 0)
    assert batch.chosen is not None
    assert batch.chosen.shape == (16, 16)
    assert [tuple(place) for place in np.argwhere(batch.chosen)] == [(one, one + 8) for one in range(8)]


def test_pairs_are_uniform_over_the_alphabets_whatever_their_size() -> None:
    classes = classes_of([[3] * 2, [3] * 6, [9] * 30])
    sampler = ByPair(classes, 8, pairs=3000, seed=4)
    for mated in (True, False):
        drawn = np.array(
            [classes.groups[sampler.pair(2 * number + (not mated))[0]] for number in range(1500)]
        )
        shares = np.bincount(drawn, minlength=3) / len(drawn)
        # 5 standard errors of a probability of 1/3.
        assert abs(shares - 1 / 3).max() < 5 * np.sqrt(2 / 9 / len(drawn))


def test_every_picture_may_be_either_side_of_a_pair() -> None:
    classes = classes_of([[4, 4, 4]])
    sampler = ByPair(classes, 8, pairs=2000, seed=4)
    sides = np.array([sampler.pair(number) for number in range(2000)])
    for side in (0, 1):
        drawn = np.bincount(sides[:, side], minlength=12)
        assert abs(drawn / 2000 - 1 / 12).max() < 5 * np.sqrt(11 / 144 / 2000)
