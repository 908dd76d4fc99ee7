from __future__ import annotations

import sqlite3
import stat
import threading
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstsight.errors import GalleryCorrupt, GalleryUnavailable
from firstsight.gallery import Contract, NewTemplate, open_store
from firstsight.gallery.sqlite.backup import back_up

CONTRACT = Contract("toy", "d" * 64, "v1", 8)


def template(number: int) -> NewTemplate:
    row = np.zeros(8, np.float32)
    row[number % 8] = 1
    return NewTemplate(row)


def test_a_copy_made_while_others_write_opens_and_is_of_one_moment(tmp_path: Path) -> None:
    gallery, copy = tmp_path / "people.db", tmp_path / "copy.db"
    store = open_store(gallery, CONTRACT)
    for number in range(50):
        store.add(f"P{number}", [template(number)])
    stop = threading.Event()

    def write() -> None:
        number = 50
        while not stop.is_set():
            # Two photos in one transaction: a torn copy would hold somebody with one.
            store.add(f"P{number}", [template(number), template(number + 1)])
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        back_up(gallery, copy)
    finally:
        stop.set()
        writer.join()
    after = len(store.people())
    store.close()
    restored = open_store(copy, CONTRACT)
    people = restored.people()
    assert 50 <= len(people) <= after
    assert {person.templates for person in people if int(person.name[1:]) >= 50} <= {2}
    assert restored.search(template(3).embedding[None], 1)[0][0].person in {p.name for p in people}
    restored.add("somebody new", [template(1)])
    restored.close()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("*.part"))


def test_a_copy_is_of_the_moment_it_began_however_much_is_written_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One made in steps begins anew after each change, and beside a busy service never ends."""
    gallery, copy = tmp_path / "people.db", tmp_path / "copy.db"
    store = open_store(gallery, CONTRACT)
    store.add("Ada", [NewTemplate(template(0).embedding, crop=b"x" * 2**23)])

    class Watched(sqlite3.Connection):
        """One beside which somebody writes at each step of a copy."""

        def backup(self, target: sqlite3.Connection, **how: Any) -> None:
            how["progress"] = lambda *_: store.add(f"P{len(store.people())}", []) if few() else None
            super().backup(target, **how)

    def few() -> bool:
        return store.count_people() < 5

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    back_up(gallery, copy)
    monkeypatch.undo()
    assert store.count_people() == 2
    store.close()
    restored = open_store(copy, CONTRACT)
    assert [person.name for person in restored.people()] == ["Ada"]
    restored.close()


def test_nothing_is_replaced_and_nothing_half_written_stays(tmp_path: Path) -> None:
    gallery = tmp_path / "people.db"
    open_store(gallery, CONTRACT).close()
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    with pytest.raises(GalleryUnavailable, match="exists already"):
        back_up(gallery, taken)
    assert taken.read_text() == "mine"
    with pytest.raises(GalleryUnavailable, match="cannot be written"):
        back_up(gallery, tmp_path / "missing" / "copy.db")
    with pytest.raises(GalleryUnavailable, match="no gallery"):
        back_up(tmp_path / "none.db", tmp_path / "copy.db")
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"no database at all" * 100)
    with pytest.raises(GalleryCorrupt):
        back_up(bad, tmp_path / "copy.db")
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == []


def test_an_erased_person_is_in_no_later_copy(tmp_path: Path) -> None:
    gallery, copy = tmp_path / "people.db", tmp_path / "copy.db"
    store = open_store(gallery, CONTRACT)
    store.add("Zebediah", [template(0)])
    store.add("Ada", [template(1)])
    store.erase("Zebediah")
    back_up(gallery, copy)
    store.close()
    assert b"Zebediah" not in copy.read_bytes()
    with sqlite3.connect(copy) as opened:
        assert opened.execute("SELECT count(*) FROM person").fetchone() == (1,)
    opened.close()
