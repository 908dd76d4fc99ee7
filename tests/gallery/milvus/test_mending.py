"""Whoever goes on after a writer that broke finishes all of its call, and nobody comes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.gallery.gallery_makers import CONTRACT, OTHER, names, photos, units
from tests.gallery.milvus.milvus_breaking import Killed, broken, waited, whole
from tests.gallery.milvus.milvus_rows import rows

from firstsight.errors import GalleryUnavailable, NoSuchPerson
from firstsight.gallery import Store, copying, open_store
from firstsight.gallery.milvus import MilvusStore, writer
from firstsight.gallery.milvus.layout import CHANGE_FIELDS, Change, change_row

WHO = ("Ada", "Bob", "Cid", "Dan")
Case = Callable[[MilvusStore, int], bool]
"""What is tried with a call that breaks at a point; whether it had that point."""


def enrolled(address: str) -> MilvusStore:
    """A gallery of four, of whom something is noted."""
    store = open_store(address, CONTRACT)
    assert isinstance(store, MilvusStore)
    store.add_each([(name, photos(1, seed, b"crop")) for seed, name in enumerate(WHO)], notes="tall")
    return store


@pytest.fixture
def milvus(milvus_gallery: str) -> Iterator[MilvusStore]:
    store = enrolled(milvus_gallery)
    yield store
    store.close()


def at_every_point(store: MilvusStore, case: Case) -> int:
    """Try a case at one point after the other; how many there were."""
    for calls in count():
        store.add("Ada", photos(1, 0, b"crop"), notes="tall")  # again, if she was erased the last time
        if not case(store, calls):
            return calls
    raise AssertionError


def second_photos(store: Store) -> None:
    store.add_each([(name, photos(1, seed + 10, b"crop")) for seed, name in enumerate(WHO)])


def without_ada(store: MilvusStore) -> None:
    """See that she is erased, also after changes that spend the row which says so."""
    if "Ada" in names(store.people()):
        store.erase("Ada")
    store.add("Eve", [])
    whole(store)
    assert names(store.people()) == ["Bob", "Cid", "Dan", "Eve", "Next"]
    with pytest.raises(NoSuchPerson):
        store.person("Ada")


def test_who_is_erased_after_a_call_that_broke(milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def case(store: MilvusStore, calls: int) -> bool:
        broke = broken(store, monkeypatch, calls, lambda: second_photos(store))
        store.erase("Ada")
        store.annotate("Bob", notes=f"short {calls}")
        without_ada(store)
        assert [person.notes for person in store.people()] == [f"short {calls}", "tall", "tall", "", ""]
        return broke

    monkeypatch.setattr(writer, "BATCH", 2)  # so that it breaks also between two changes
    assert at_every_point(milvus, case) == 7  # crops, templates and changes in two inserts each; what went


def test_who_is_erased_after_a_removal_of_rows_that_failed(
    milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert broken(milvus, monkeypatch, 3, lambda: second_photos(milvus), GalleryUnavailable)
    without_ada(milvus)


def test_who_is_erased_by_one_that_is_killed_as_well(
    milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def case(store: MilvusStore, calls: int) -> bool:
        # All changes are made, and nothing that they superseded is gone.
        assert broken(store, monkeypatch, 3, lambda: second_photos(store))
        broke = broken(store, monkeypatch, calls, lambda: store.erase("Ada"))
        without_ada(store)
        return broke

    assert at_every_point(milvus, case) > 4


@pytest.mark.parametrize("verb", ["merge", "move"])
def test_what_two_people_share_is_parted_by_one_that_is_killed_as_well(
    milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    def change(store: MilvusStore) -> None:
        if verb == "merge":
            store.merge("Ada", "Bob")
        else:
            store.move_template(store.templates("Ada")[0].id, "Bob")

    def case(store: MilvusStore, calls: int) -> bool:
        store.add("Ada", photos(1, 20, b"crop"))  # so that one is left to her
        broke = broken(store, monkeypatch, calls, lambda: change(store))
        assert broken(store, monkeypatch, 1, lambda: store.annotate("Dan", notes=f"short {calls}"))
        without_ada(store)
        return broke

    assert at_every_point(milvus, case) > 3


@pytest.mark.parametrize("calls", [2, 3, 9])
def test_a_removal_takes_every_row_of_the_person(
    milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Earlier versions left some of them; a photo that such a row names is somebody else's by now."""
    milvus.add("Ada", photos(1, 20, b"crop"))
    people = f"{milvus._address.name}_g1_people"
    fields = ("pk", *CHANGE_FIELDS, "vector")
    stale = milvus._connection.query(people, "a == 1", fields, milvus._connection.moment())
    milvus.move_template(1, "Bob")
    milvus._connection.insert(people, stale)
    assert broken(milvus, monkeypatch, calls, lambda: milvus.erase("Ada")) is (calls < 9)
    without_ada(milvus)
    assert len(list(milvus.crops())) == 4


def test_what_an_earlier_version_left_undone(milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rows do not say where their call began."""

    def row(change: Change) -> dict[str, Any]:
        made = change_row(change)
        body = json.loads(made["body"])
        body.pop("call", None)
        return made | {"body": json.dumps(body)}

    with monkeypatch.context() as patched:
        patched.setattr(writer, "change_row", row)
        assert broken(milvus, monkeypatch, 3, lambda: second_photos(milvus))
    assert len(rows(milvus)["changes"]) == 8
    whole(milvus)


def test_somebody_who_is_damaged_can_be_erased(milvus: MilvusStore) -> None:
    milvus.add("Ada", photos(1, 20, b"crop"))
    milvus._connection.delete(f"{milvus._address.name}_g1_templates", [1])
    assert milvus.erase("Ada").templates == 1
    without_ada(milvus)


def test_killed_before_crops_go_that_another_model_does_not_want(
    milvus: MilvusStore, milvus_gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    (embedding,) = units(1, 9, OTHER.dimension)
    with monkeypatch.context() as patched:
        patched.setattr(writer.Writer, "_remove_crops", killed)
        with pytest.raises(Killed):
            milvus.replace_all(OTHER, {1: embedding}, [2, 3, 4])
    waited(milvus)
    again = open_store(milvus_gallery, OTHER)
    whole(again)
    again.close()


def test_a_number_on_its_way_is_not_given_again(milvus: MilvusStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who did not hear whether something was written may not number another thing the same."""
    assert broken(milvus, monkeypatch, 0, lambda: milvus.add("Eve", photos(1, 5)), GalleryUnavailable)
    milvus.add("Eve", photos(1, 5))
    assert milvus.templates("Eve")[0].id > writer.SKIPPED
    assert milvus.person("Eve").id > writer.SKIPPED
    milvus.add("Fay", [])
    assert milvus.person("Fay").id == milvus.person("Eve").id + 1


def test_nothing_of_anybody_lies_there_after_a_copy_that_was_killed(
    milvus_gallery: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not go on with it has templates there of people whom nobody can find, nor erase."""
    source = open_store(tmp_path / "source.db", CONTRACT)
    for seed, name in enumerate(WHO):
        source.add(name, photos(1, seed, b"crop"))
    source.add("Ada", photos(1, 9, b"crop"))  # later, so that the others' numbers come after a higher one
    monkeypatch.setattr(copying, "BATCH", 2)
    monkeypatch.setattr(writer, "BATCH", 1)

    for calls in count():
        store = open_store(f"{milvus_gallery}_{calls}", CONTRACT)
        assert isinstance(store, MilvusStore)
        broke = broken(store, monkeypatch, calls, partial(copying.copy, source, store))
        for person in store.people():
            assert source.person(person.name) == person
        whole(store)
        store.close()
        if not broke:
            break
    source.close()
    assert calls > 12
