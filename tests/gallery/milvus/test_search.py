"""The server's search, checked against the search in memory."""

from __future__ import annotations

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, DIMENSION, units

from firstsight.gallery import NewTemplate, Store, open_store
from firstsight.gallery.milvus import search


@pytest.fixture
def pair(milvus_gallery: str, path: object) -> list[Store]:
    """One gallery in Milvus, one in a file."""
    return [open_store(milvus_gallery, CONTRACT), open_store(str(path), CONTRACT)]


@pytest.mark.parametrize("widest", [16_384, 8])
def test_people_with_many_photos_do_not_hide_others(
    pair: list[Store], monkeypatch: pytest.MonkeyPatch, widest: int
) -> None:
    monkeypatch.setattr(search, "TOP", 4)
    monkeypatch.setattr(search, "WIDEST", widest)
    monkeypatch.setattr(search, "WIDER", 2)
    rows = units(60, 5)
    near = rows[0] + np.float32(0.05) * units(40, 6)
    near /= np.linalg.norm(near, axis=1, keepdims=True)
    answers = []
    for store in pair:
        store.add("Ada", [NewTemplate(row) for row in near])
        for number, row in enumerate(rows[1:21]):
            store.add(f"Person {number}", [NewTemplate(row)])
        answers.append(
            [
                [(match.person, match.template_id) for match in matches]
                for k in (1, 5, 30)
                for matches in store.search(rows[:3], k)
            ]
        )
        store.close()
    assert answers[0] == answers[1]


def test_of_equals_the_first_enrolled_comes_first(pair: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "TOP", 4)
    (row,) = units(1, 5)
    for store in pair:
        for number in range(20):
            store.add(f"Person {number}", [NewTemplate(row)])
        store.erase("Person 0")
        (matches,) = store.search(row[None], 3)
        assert [match.person for match in matches] == ["Person 1", "Person 2", "Person 3"]
        assert len({match.similarity for match in matches}) == 1
        store.close()


def test_no_probes_and_an_empty_gallery(pair: list[Store]) -> None:
    for store in pair:
        assert store.search(np.empty((0, DIMENSION), np.float32), 3) == []
        assert store.search(units(2, 1), 3) == [[], []]
        store.close()
