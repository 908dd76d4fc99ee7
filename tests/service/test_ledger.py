from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.gallery.gallery_makers import CONTRACT, raw
from tests.service.service_makers import DESK, PATIENCE

from firstsight.errors import GalleryTooNew, GalleryUnavailable, NoSuchPerson, Unauthorized
from firstsight.gallery import open_store
from firstsight.service import audit, keys, ledger
from firstsight.service.keys import Key
from firstsight.service.ledger import Ledger, ledger_path


@pytest.fixture
def opened(path: Path) -> Iterator[Ledger]:
    opened = Ledger(path)
    yield opened
    opened.close()


def tokens(opened: Ledger) -> list[str]:
    with opened.transaction() as database:
        return [row[0] for row in database.execute("SELECT token FROM answered ORDER BY token")]


def answer(opened: Ledger, token: str, person_id: int | None) -> None:
    with opened.transaction() as database:
        database.execute("INSERT INTO answered VALUES (1, ?, 'digest', ?, 'now')", (token, person_id))


CHANGES = (
    "UPDATE audit SET decision = 'nobody'",
    "UPDATE audit SET id = id + 100",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE id = 1",
    "INSERT OR REPLACE INTO audit SELECT id, at, key, role, action, 99, 'x', NULL, 200 FROM audit",
)


@pytest.mark.parametrize("change", CHANGES)
def test_the_audit_log_only_grows(opened: Ledger, change: str) -> None:
    audit.note(opened, DESK, "identify", "named", person_id=3)
    before = audit.page(opened, None, 10)
    with pytest.raises(GalleryUnavailable, match="append-only"), opened.transaction() as database:
        database.execute(change)
    assert audit.page(opened, None, 10) == before
    audit.note(opened, DESK, "identify", "nobody")
    assert len(audit.page(opened, None, 10)) == 2


@pytest.mark.parametrize("change", CHANGES)
def test_also_for_who_opens_the_file_by_other_means(opened: Ledger, path: Path, change: str) -> None:
    audit.note(opened, DESK, "identify", "named", person_id=3)
    before = audit.page(opened, None, 10)
    opened.close()
    with (
        closing(sqlite3.connect(path)) as database,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        database.execute(change)
    again = Ledger(path)
    assert audit.page(again, None, 10) == before
    again.close()


def test_only_the_owner_can_read_it(path: Path) -> None:
    """Its log and its shared memory too, whatever the process allows others by default."""
    before = os.umask(0)
    try:
        opened = Ledger(path)
        audit.note(opened, DESK, "identify", "named")
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        opened.close()
    finally:
        os.umask(before)
    assert len(modes) > 1
    assert set(modes.values()) == {0o600}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(GalleryUnavailable, match=r"people\.db\.service"):
        Ledger(path)
    assert path.read_bytes() == content


def test_a_gallery_is_not_taken_for_it(tmp_path: Path) -> None:
    """One wrong path, and the tables of keys would be among those of people."""
    path = tmp_path / "people.db"
    with closing(open_store(path, CONTRACT)) as store:
        store.add("Ada", [])
    before = raw(path)
    with pytest.raises(GalleryUnavailable):
        Ledger(path)
    assert raw(path) == before


def foreign(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def marks(path: Path) -> tuple[int, int]:
    with closing(sqlite3.connect(path)) as database:
        (application,), (version,) = (
            database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
        )
        return application, version


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE notes (text)"],
        ["CREATE TABLE key (id)", "CREATE TABLE audit (id)"],
        ["PRAGMA application_id = 7"],
        ["PRAGMA user_version = 3"],
        [
            "PRAGMA application_id = 7",
            "CREATE TABLE key (id)",
            "CREATE TABLE audit (id)",
            "CREATE TABLE answered (id)",
        ],
    ],
)
def test_a_database_of_something_else_is_left_alone(path: Path, statements: list[str]) -> None:
    foreign(path, *statements)
    before = path.read_bytes()
    with pytest.raises(GalleryUnavailable, match="something else"):
        Ledger(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_it_bears_a_mark_also_when_it_was_made_before_there_was_one(path: Path) -> None:
    Ledger(path).close()
    assert marks(path) == (ledger.APPLICATION, ledger.VERSION)
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(ledger.SCHEMA)
        database.execute("INSERT INTO key (name, role, hash, created) VALUES ('door', 'read', 'x', 'now')")
        database.commit()
    assert marks(path) == (0, 0)
    with closing(Ledger(path)) as opened:
        assert [key.name for key in keys.everything(opened)] == ["door"]
    assert marks(path) == (ledger.APPLICATION, ledger.VERSION)
    with closing(Ledger(path)) as opened:
        assert [key.name for key in keys.everything(opened)] == ["door"]


def test_a_later_version_is_told_as_such(path: Path) -> None:
    Ledger(path).close()
    foreign(path, f"PRAGMA user_version = {ledger.VERSION + 1}")
    with pytest.raises(GalleryTooNew, match=r"people\.db\.service"):
        Ledger(path)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"a scrap", None])
def test_what_is_refused_is_closed(
    path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def connecting(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    if content is None:
        foreign(path, "CREATE TABLE notes (text)")
    else:
        path.write_bytes(content)
    monkeypatch.setattr(sqlite3, "connect", connecting)
    with pytest.raises(GalleryUnavailable):
        Ledger(path)
    assert content is None or path.read_bytes() == content
    for database in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            database.execute("SELECT 1")


def test_places_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for place in (tmp_path, tmp_path / "file" / "people.db.service"):
        with pytest.raises(GalleryUnavailable):
            Ledger(place)


def test_folders_are_made_and_it_lies_beside_the_gallery(tmp_path: Path) -> None:
    gallery = tmp_path / "new" / "folder" / "people.db"
    path = ledger_path(gallery)
    assert path.parent == gallery.parent
    assert path != gallery
    Ledger(path).close()
    assert [file.name for file in gallery.parent.iterdir()] == [path.name]


def test_all_of_a_transaction_or_none(opened: Ledger) -> None:
    """Whatever breaks it off; an error that is no database's comes through as it is."""
    answer(opened, "before", 1)
    with pytest.raises(NoSuchPerson), opened.transaction() as database:
        database.execute("INSERT INTO answered VALUES (1, 'half', 'digest', 1, 'now')")
        raise NoSuchPerson("Nobody.")
    with pytest.raises(GalleryUnavailable), opened.transaction() as database:
        database.execute("INSERT INTO answered VALUES (1, 'half', 'digest', 1, 'now')")
        database.execute("INSERT INTO answered VALUES (1, 'before', 'digest', 1, 'now')")
    assert tokens(opened) == ["before"]
    answer(opened, "after", 1)
    assert tokens(opened) == ["after", "before"]


def test_settling_forgets_only_what_was_in_work(opened: Ledger, path: Path) -> None:
    for token, person_id in (("done", 3), ("in work", None), ("done, too", 4)):
        answer(opened, token, person_id)
    opened.close()
    again = Ledger(path)
    again.settle()
    assert tokens(again) == ["done", "done, too"]
    again.settle()
    assert tokens(again) == ["done", "done, too"]
    again.close()


def test_threads_take_turns(opened: Ledger) -> None:
    def note(number: int) -> None:
        audit.note(opened, DESK, "identify", "named", person_id=number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(200)))
    entries = audit.page(opened, None, 1000)
    assert [entry.id for entry in entries] == list(range(200, 0, -1))
    assert sorted(entry.person_id or 0 for entry in entries) == list(range(200))


def test_another_process_that_writes_too_long(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "PATIENCE", 0.05)
    with closing(Ledger(path)) as opened, closing(Ledger(path)) as other:
        with other.transaction(), pytest.raises(GalleryUnavailable, match="locked"):
            answer(opened, "token", 1)
        answer(opened, "token", 1)
        assert tokens(other) == ["token"]


def test_a_closed_one_is_unavailable(opened: Ledger) -> None:
    opened.close()
    with pytest.raises(GalleryUnavailable):
        tokens(opened)
    opened.close()


def test_reading_waits_for_nobody_who_writes(path: Path) -> None:
    """Neither here nor in another process: keys are looked up where everybody would have to wait."""
    with closing(Ledger(path)) as opened, closing(sqlite3.connect(path, isolation_level=None)) as other:
        secret = keys.create(opened, "door", "read")
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        assert keys.check(opened, f"Bearer {secret}").name == "door"
        other.execute("ROLLBACK")
        with opened.transaction() as database:
            database.execute("UPDATE key SET revoked = 'now'")
            # What is not kept yet is not seen.
            seen: list[Key] = []
            looking = threading.Thread(
                target=lambda: seen.append(keys.check(opened, f"Bearer {secret}")), daemon=True
            )
            looking.start()
            looking.join(PATIENCE / 2)
            assert [key.revoked for key in seen] == [None]
        assert time.monotonic() - began < PATIENCE / 2
        with pytest.raises(Unauthorized):
            keys.check(opened, f"Bearer {secret}")


def test_a_key_is_looked_up_while_others_read(opened: Ledger) -> None:
    """The log may be long; the keys are looked up where everybody would wait."""
    secret = keys.create(opened, "door", "read")
    seen: list[Key] = []
    with opened.reading():
        looking = threading.Thread(
            target=lambda: seen.append(keys.check(opened, f"Bearer {secret}")), daemon=True
        )
        looking.start()
        looking.join(PATIENCE)
        assert [key.name for key in seen] == ["door"]


@pytest.mark.parametrize("which", ["reading", "looking_up"])
def test_what_only_reads_cannot_write(opened: Ledger, which: str) -> None:
    with pytest.raises(GalleryUnavailable), getattr(opened, which)() as database:
        database.execute("DELETE FROM key")


def test_what_was_opened_is_closed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def connecting(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connecting)
    Ledger(path).close()
    assert len(opened) == 3
    for database in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            database.execute("SELECT 1")
    # The log is folded into the file, which may be copied now.
    assert [file.name for file in path.parent.iterdir()] == [path.name]
