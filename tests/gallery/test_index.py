from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.gallery.gallery_makers import units

from firstsight.gallery import index as index_module
from firstsight.gallery.index import Hit, Index, inner_product


def build(person_ids: list[int], embeddings: NDArray[np.float32]) -> Index:
    numbers = np.arange(1, len(person_ids) + 1)
    index = Index.empty(embeddings.shape[1])
    return index.appended(numbers, np.array(person_ids, np.int64), embeddings)


def brute_force(index: Index, scores: NDArray[np.float32], k: int) -> list[Hit]:
    """One probe, by Python's own sorting."""
    hits = sorted(
        (
            Hit(person, template, score)
            for person, template, score in zip(
                index.person_ids.tolist(), index.template_ids.tolist(), scores.tolist(), strict=True
            )
        ),
        key=lambda hit: (-hit.similarity, hit.template_id),
    )
    best: dict[int, Hit] = {}
    for hit in hits:
        best.setdefault(hit.person_id, hit)
    return list(best.values())[:k]


@settings(deadline=None)
@given(
    people=st.lists(st.integers(1, 40), min_size=1, max_size=600),
    k=st.integers(1, 50),
    levels=st.integers(1, 400),
    seed=st.integers(0, 2**32 - 1),
)
def test_search_equals_brute_force(people: list[int], k: int, levels: int, seed: int) -> None:
    """Also with equal similarities, and people of so many templates that the view must widen."""
    generator = np.random.default_rng(seed)
    scores = (generator.integers(0, levels, (3, len(people))) / levels).astype(np.float32)
    index = build(people, np.zeros((len(people), 1), np.float32))
    found = index.search(np.zeros((3, 1), np.float32), k, lambda probes, templates: scores)
    assert found == [brute_force(index, row, k) for row in scores]


def test_a_crowd_of_one_persons_templates_hides_nobody() -> None:
    scores = np.linspace(1, 0, 5000, dtype=np.float32)[None]
    people = [1] * 4990 + list(range(2, 12))
    index = build(people, np.zeros((5000, 1), np.float32))
    ((hits),) = index.search(np.zeros((1, 1), np.float32), 3, lambda *_: scores)
    assert [hit.person_id for hit in hits] == [1, 2, 3]


def test_recall_is_one_among_many() -> None:
    templates = units(20_000, 0, 32)
    index = build(list(range(20_000)), templates)
    probes = units(20, 1, 32)
    found = [[hit.person_id for hit in hits] for hits in index.search(probes, 10)]
    right = np.argsort(-(probes @ templates.T), axis=1)[:, :10]
    assert found == right.tolist()


def test_many_probes_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    index = build([1, 2, 3], units(3, 0))
    shapes = []

    def similarity(probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
        shapes.append((len(probes), len(templates)))
        return inner_product(probes, templates)

    probes = units(7, 1)
    whole = index.search(probes, 2, similarity)
    monkeypatch.setattr(index_module, "BLOCK", 6)
    blocks = index.search(probes, 2, similarity)
    assert shapes == [(7, 3), (2, 3), (2, 3), (2, 3), (1, 3)]
    assert [[hit.person_id for hit in hits] for hits in blocks] == [
        [hit.person_id for hit in hits] for hits in whole
    ]


@given(sizes=st.lists(st.integers(0, 30), max_size=20))
def test_growing_leaves_earlier_indexes_as_they_were(sizes: list[int]) -> None:
    rows = units(sum(sizes), 0)
    index, earlier, end = Index.empty(8), [], 0
    for size in sizes:
        numbers = np.arange(end, end + size)
        index = index.appended(numbers, numbers // 2, rows[end : end + size])
        end += size
        earlier.append((end, index))
    for end, index in earlier:
        assert (index.template_ids == np.arange(end)).all()
        assert (index.person_ids == np.arange(end) // 2).all()
        assert (index.embeddings == rows[:end]).all()
        assert index.embeddings.flags.c_contiguous


def test_growing_copies_seldom() -> None:
    index, copies = build([1], units(1, 0)), 0
    for number in range(2, 1000):
        grown = index.appended(np.array([number]), np.array([1]), units(1, number))
        copies += not np.shares_memory(grown.embeddings, index.embeddings)
        index = grown
    assert copies < 20


def test_an_index_may_grow_in_two_ways() -> None:
    """As when a read was broken off: what the one appended is not seen by the other."""
    start = build([1, 2, 3, 4], units(4, 0)).appended(np.array([5]), np.array([5]), units(1, 5))
    left = start.appended(np.array([6]), np.array([6]), units(1, 6))
    right = start.appended(np.array([7]), np.array([7]), units(1, 7))
    assert left.template_ids.tolist() == [1, 2, 3, 4, 5, 6]
    assert right.template_ids.tolist() == [1, 2, 3, 4, 5, 7]
    assert (left.embeddings[5] == units(1, 6)[0]).all()


@given(
    kept=st.sets(st.integers(1, 30)),
    others=st.sets(st.integers(31, 40)),
)
def test_restricted_keeps_what_is_listed(kept: set[int], others: set[int]) -> None:
    rows = units(30, 0)
    index = build([1] * 30, rows)
    listed = np.array(sorted(kept | others), np.int64)
    left = index.restricted(listed, listed * 10)
    assert left.template_ids.tolist() == sorted(kept)
    assert left.person_ids.tolist() == [10 * number for number in sorted(kept)]
    assert (left.embeddings == rows[np.array(sorted(kept), np.intp) - 1]).all()
