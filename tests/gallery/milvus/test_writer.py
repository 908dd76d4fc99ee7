"""A writer that ends in the middle leaves nothing half, and the next one clears up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, OTHER, names, photos, units
from tests.gallery.milvus.milvus_breaking import broken, whole
from tests.gallery.milvus.milvus_rows import rows

from firstsight.errors import GalleryLocked, ModelMismatch, NoSuchPerson, UsageError
from firstsight.gallery import Store, open_store
from firstsight.gallery.milvus import MilvusStore, writer
from firstsight.gallery.milvus.layout import PART, PARTS


@pytest.fixture
def milvus(milvus_gallery: str) -> Iterator[MilvusStore]:
    store = open_store(milvus_gallery, CONTRACT)
    assert isinstance(store, MilvusStore)
    yield store
    store.close()


def dying(
    store: MilvusStore, monkeypatch: pytest.MonkeyPatch, verb: str, calls: int, change: Callable[[], Any]
) -> None:
    """Make a change, and die instead of the n-th insert or delete."""
    assert broken(store, monkeypatch, calls, change, verbs=[verb])


@pytest.mark.parametrize("inserts", [0, 1, 2])
def test_killed_while_adding(milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch, inserts: int) -> None:
    milvus.add("Bob", photos(1, 2))
    rest(milvus)
    dying(milvus, monkeypatch, "insert", inserts, lambda: milvus.add("Ada", photos(3, 1, b"crop")))
    assert names(milvus.people()) == ["Bob"]
    assert [match.person for match in milvus.search(units(1, 1), 5)[0]] == ["Bob"]
    with pytest.raises(NoSuchPerson):
        milvus.person("Ada")
    assert milvus.count_templates() == 1
    whole(milvus)
    assert milvus.add("Ada", photos(1, 1)).templates == 1
    assert best(milvus) == "Ada"


def rest(store: MilvusStore) -> None:
    """Give the lease back at once, so that the next change begins by getting it."""
    store._writer.end()


def best(store: Store) -> str:
    return store.search(photos(1, 1)[0].embedding[None], 1)[0][0].person


@pytest.mark.parametrize("deletes", [0, 1, 2])
def test_killed_while_clearing_up_after_an_erasure(
    milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch, deletes: int
) -> None:
    milvus.add("Ada", photos(2, 1, b"crop"), notes="tall")
    milvus.add("Bob", photos(1, 2))
    dying(milvus, monkeypatch, "delete", deletes, lambda: milvus.erase("Ada"))
    assert names(milvus.people()) == ["Bob"]
    assert best(milvus) == "Bob"
    assert milvus.count_templates() == 1
    whole(milvus)


@pytest.mark.parametrize("inserts", [0, 1, 2, 3])
def test_killed_while_a_photo_moves(
    milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch, inserts: int
) -> None:
    milvus.add("Ada", photos(2, 1, b"crop"))
    milvus.add("Bob", photos(1, 2))
    rest(milvus)
    dying(milvus, monkeypatch, "insert", inserts, lambda: milvus.move_template(1, "Bob"))
    moved = inserts > 1
    assert [person.templates for person in milvus.people()] == ([1, 2] if moved else [2, 1])
    assert best(milvus) == ("Bob" if moved else "Ada")
    milvus.erase("Ada")
    whole(milvus)
    assert best(milvus) == "Bob"


@pytest.mark.parametrize("inserts", [0, 1, 2])
def test_killed_while_the_gallery_moves_to_another_model(
    milvus: MilvusStore, milvus_gallery: str, monkeypatch: pytest.MonkeyPatch, inserts: int
) -> None:
    milvus.add("Ada", photos(2, 1, b"crop"))
    (embedding,) = units(1, 9, OTHER.dimension)
    dying(milvus, monkeypatch, "insert", inserts, lambda: milvus.replace_all(OTHER, {1: embedding}, [2]))
    assert milvus.contract == CONTRACT
    assert best(milvus) == "Ada"
    assert milvus.count_templates() == 2
    whole(milvus)
    assert milvus.replace_all(OTHER, {1: embedding}, [2]) == ["Next"]
    again = open_store(milvus_gallery, OTHER)
    whole(again)
    again.close()


def test_killed_just_after_the_gallery_moved_to_another_model(
    milvus: MilvusStore, milvus_gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    milvus.add("Ada", photos(2, 1, b"crop"))
    (embedding,) = units(1, 9, OTHER.dimension)
    dying(milvus, monkeypatch, "insert", 3, lambda: milvus.replace_all(OTHER, {1: embedding}, [2]))
    again = open_store(milvus_gallery, OTHER)
    assert again.search(embedding[None], 1)[0][0].template_id == 1
    assert again.count_templates() == 1
    whole(again)
    again.close()


def test_after_a_refusal_others_can_write(
    milvus: MilvusStore, milvus_gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that nobody gives back is renewed for as long as the process lives."""
    monkeypatch.setattr(writer, "IDLE", 0.01)
    other = open_store(milvus_gallery, CONTRACT)
    other.replace_all(OTHER, {})
    rest(milvus)
    assert rows(milvus)["leases"] == []
    with pytest.raises(ModelMismatch):
        milvus.add("Ada", photos(1, 1))
    while (timer := milvus._writer._timer) and timer.is_alive():
        timer.join()
    assert rows(milvus)["leases"] == []
    assert other.add("Bob", []).name == "Bob"
    other.close()


def test_a_long_life_leaves_one_row_for_each(milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BEACON_EVERY", 3)
    monkeypatch.setattr(writer, "OWN", 4)
    for number in range(8):
        milvus.add(f"Person {number}", photos(1, number))
    for number in range(0, 8, 2):
        milvus.annotate(f"Person {number}", notes=f"note {number}")
    milvus.merge("Person 0", "Person 1")
    milvus.move_template(3, "Person 3")
    milvus.erase("Person 4")
    whole(milvus)
    assert [(person.name, person.templates) for person in milvus.people()] == [
        *(("Next", 0), ("Person 1", 2), ("Person 3", 2), ("Person 5", 1), ("Person 6", 1), ("Person 7", 1)),
    ]
    rest(milvus)
    milvus.add("Person 6", photos(1, 20))
    assert milvus.person("Person 6").notes == "note 6"
    whole(milvus)


def test_what_milvus_cannot_hold_is_refused_whole(milvus: MilvusStore) -> None:
    with pytest.raises(UsageError, match="too large"):
        milvus.add("Ada", photos(1, 1, b"x" * (PART * PARTS + 1)))
    with pytest.raises(UsageError, match="too long"):
        milvus.add("Ada", photos(1, 1), notes="x" * 70_000)
    crop = bytes(range(256)) * 400  # more than one row holds
    milvus.add("Ada", photos(1, 2, crop))
    assert [kept.crop for kept in milvus.crops()] == [crop]
    whole(milvus)


def test_a_key_or_a_comparison_of_the_models_own_is_refused(milvus_gallery: str) -> None:
    with pytest.raises(GalleryLocked, match="cannot be encrypted"):
        open_store(milvus_gallery, CONTRACT, key=KEY)
    with pytest.raises(UsageError, match="compares in its own way"):
        open_store(milvus_gallery, CONTRACT, similarity=lambda probes, templates: -(probes @ templates.T))
