from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.gallery.gallery_makers import CONTRACT, names, photos, raw

from firstsight.errors import GalleryCorrupt, GalleryMissing, GalleryTooNew, GalleryUnavailable
from firstsight.gallery import Contract, open_store
from firstsight.gallery.sqlite import header, schema
from firstsight.gallery.sqlite.connection import Connection


@pytest.fixture
def filled(path: Path) -> Path:
    store = open_store(path, CONTRACT)
    store.add("Ada", photos(2, 1))
    store.close()
    return path


def pragma(path: Path, statement: str) -> int:
    database = sqlite3.connect(path)
    row = database.execute(f"PRAGMA {statement}").fetchone()
    database.commit()
    database.close()
    return int(row[0]) if row else 0


def test_a_gallery_carries_its_mark_and_version(filled: Path) -> None:
    assert pragma(filled, "application_id") == schema.APPLICATION
    assert pragma(filled, "user_version") == len(schema.MIGRATIONS)


@pytest.mark.parametrize("contract", [CONTRACT, None])
def test_a_later_version_is_refused_and_left_as_it_is(filled: Path, contract: Contract | None) -> None:
    pragma(filled, f"user_version = {len(schema.MIGRATIONS) + 1}")
    before = raw(filled)
    with pytest.raises(GalleryTooNew, match=r"people\.db .*later version") as caught:
        open_store(filled, contract)
    assert "Upgrade" in caught.value.hint
    assert raw(filled) == before


def test_an_earlier_version_is_brought_up_to_date(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = (
        "ALTER TABLE person ADD COLUMN alias TEXT; UPDATE person SET alias = 'A'",
        "CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT",
    )
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS + later)
    store = open_store(filled, None)
    assert names(store.people()) == ["Ada"]
    assert store.person("Ada").templates == 2
    store.close()
    assert pragma(filled, "user_version") == 3
    database = sqlite3.connect(filled)
    assert database.execute("SELECT alias FROM person").fetchall() == [("A",)]
    assert database.execute("SELECT count(*) FROM extra").fetchone() == (0,)
    database.close()


def test_a_migration_that_fails_changes_nothing(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = ("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT; INSERT INTO nowhere VALUES (1)",)
    with monkeypatch.context() as later:
        later.setattr(schema, "MIGRATIONS", schema.MIGRATIONS + broken)
        with pytest.raises(GalleryUnavailable, match="nowhere"):
            open_store(filled, CONTRACT)
    assert pragma(filled, "user_version") == 1
    store = open_store(filled, CONTRACT)
    assert names(store.people()) == ["Ada"]
    store.close()


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
@pytest.mark.parametrize("contract", [CONTRACT, None])
def test_a_database_of_something_else_is_left_as_it_is(
    path: Path, journal: str, contract: Contract | None
) -> None:
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA journal_mode = {journal}")
    database.execute("CREATE TABLE bookmarks (url TEXT)")
    database.commit()
    database.close()
    before = raw(path)
    with pytest.raises(GalleryCorrupt, match="something else"):
        open_store(path, contract)
    assert raw(path) == before


def test_a_gallery_without_its_header_is_corrupt(filled: Path) -> None:
    database = sqlite3.connect(filled)
    database.execute("DELETE FROM gallery")
    database.commit()
    database.close()
    with pytest.raises(GalleryCorrupt, match="which model"):
        open_store(filled, CONTRACT)


def test_a_gallery_that_another_is_making_is_never_seen_by_halves(path: Path) -> None:
    """Another process makes its tables between our look at the mark and our look at the version."""

    def make(statement: str) -> None:
        if statement != "PRAGMA user_version":
            return
        other = sqlite3.connect(path, timeout=0, isolation_level=None)
        with closing(other), suppress(sqlite3.OperationalError):  # it has to wait until we have looked
            other.execute("BEGIN IMMEDIATE")
            schema.migrate(other, 0)
            other.execute("COMMIT")

    gallery = Connection(path, create=True)
    with gallery.maintaining() as database:
        database.set_trace_callback(make)
    assert header.open_or_make(gallery, CONTRACT, None).contract == CONTRACT
    gallery.close()


def test_a_file_whose_maker_was_killed_before_its_tables_is_as_if_it_were_not_there(path: Path) -> None:
    """So that whoever may make a gallery makes its tables, see ``cli.options.open_recognizer``."""
    path.touch(0o600)
    with pytest.raises(GalleryMissing, match="is an empty file"):
        open_store(path)
    begun = Connection(path, create=True)
    begun.start()  # one that came a step further
    begun.close()
    with pytest.raises(GalleryMissing, match="is an empty file"):
        open_store(path)
    store = open_store(path, CONTRACT)
    store.add("Ada", photos(1, 1))
    assert names(store.people()) == ["Ada"]
    store.close()
