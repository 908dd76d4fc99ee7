"""Several people in one change are what one after the other would have been."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, Opener, names, photos, units

from firstsight.errors import InvalidName, NameTaken, UsageError
from firstsight.gallery import NewTemplate, Person, Store, open_store
from firstsight.gallery.copying import everybody
from firstsight.gallery.store import Named


def content(store: Store) -> list[object]:
    """All that a gallery answers, apart from numbers and times, which engines give as they like."""
    people = list(everybody(store))
    return [
        [(each.name, each.consent, each.retain_until, each.notes, each.templates) for each in people],
        [[(each.source, each.quality) for each in store.templates(each.name)] for each in people],
        [(kept.person, kept.source, kept.crop) for kept in store.crops()],
        [
            [(match.person, round(match.similarity, 5)) for match in each]
            for each in store.search(np.concatenate([units(3, 50), units(1, 4)]), 9)
        ],
    ]


BATCHES: list[list[tuple[str, Sequence[NewTemplate]]]] = [
    [("Zoe", photos(1, 1, b"crop")), ("Ada", photos(2, 2)), (" Zoe ", photos(1, 3)), ("Bob", [])],
    [("Cyd", photos(1, 4)), ("Ada", photos(1, 5, b"other")), ("Zoe", photos(1, 6))],
]


def test_adding_each_is_adding_one_after_the_other(store: Store, tmp_path: Path) -> None:
    other = open_store(tmp_path / "one-by-one.db", CONTRACT)
    for batch in BATCHES:
        found = store.add_each(batch, consent="by mail", retain_until=date(2030, 1, 31))
        assert names(found) == [name.strip() for name, _ in batch]
        assert found == [store.person(name) for name, _ in batch]
        for name, new in batch:
            other.add(name, new, consent="by mail", retain_until=date(2030, 1, 31))
    assert content(store) == content(other)
    other.close()


def test_of_a_refused_batch_nobody_is_added(store: Store) -> None:
    store.add("Ada", photos(1, 1))
    before = content(store)
    with pytest.raises(InvalidName):
        store.add_each([("Bob", photos(1, 2)), ("", photos(1, 3)), ("Ada", photos(1, 4))])
    long = NewTemplate(2 * units(1, 5)[0])
    with pytest.raises(UsageError):
        store.add_each([("Ada", photos(1, 2)), ("Bob", [*photos(1, 3), long])])
    assert content(store) == before
    assert store.add_each([]) == []
    assert content(store) == before


def test_what_was_noted_before_is_overwritten(store: Store) -> None:
    store.add("Ada", photos(1, 1), consent="by mail", notes="tall")

    def noted(person: Person) -> tuple[str, str, int]:
        return person.consent, person.notes, person.templates

    found = store.add_each([("Bob", photos(1, 2)), ("Ada", photos(1, 3))], consent="signed")
    assert [noted(person) for person in found] == [("signed", "", 1), ("signed", "tall", 2)]
    assert [noted(person) for person in store.people()] == [("signed", "tall", 2), ("signed", "", 1)]


def test_a_newcomer_has_a_name_that_nobody_has(store_factory: Opener) -> None:
    store = store_factory()
    ada = store.add("Ada", photos(1, 1), consent="by mail", newcomer=True)
    before = content(store)
    for name in ("Ada", " Ada "):
        with pytest.raises(NameTaken, match="Ada"):
            store.add(name, photos(1, 2), notes="another", newcomer=True)
    refused: list[list[Named]] = [
        [("Bob", photos(1, 3)), ("Ada", [])],
        [("Cyd", photos(1, 4)), (ada.id, [])],
    ]
    for others in refused:
        with pytest.raises(NameTaken, match="Ada"):
            store.add_each(others, newcomer=True)
    with pytest.raises(NameTaken, match="Bob"):
        store.add_each([("Bob", photos(1, 3)), ("Bob", [])], newcomer=True)
    assert content(store) == before
    assert store.person("Ada") == ada


def test_of_newcomers_with_one_name_who_come_at_once_one_is_added(store_factory: Opener) -> None:
    handles, together = [store_factory() for _ in range(4)], threading.Barrier(4)

    def add(number: int) -> str:
        together.wait()
        try:
            return handles[number].add("Ada", [], notes=f"n{number}", newcomer=True).notes
        except NameTaken:
            return ""

    with ThreadPoolExecutor(4) as pool:
        added = list(filter(None, pool.map(add, range(4))))
    assert added == [handles[0].person("Ada").notes]
