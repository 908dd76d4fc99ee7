"""What the service remembers beside the gallery: keys, the audit log, and which requests were answered.

One SQLite file next to the gallery. It holds hashes of keys, numbers of people and decisions; no key, no
name, no picture and no embedding.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from firstsight.errors import GalleryUnavailable
from firstsight.gallery.marked import SMALLEST, mark_of, too_new

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS key (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, role TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE, created TEXT NOT NULL, revoked TEXT
);
CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, key TEXT NOT NULL, role TEXT NOT NULL,
    action TEXT NOT NULL, person_id INTEGER, decision TEXT NOT NULL, threshold REAL, status INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS audit_person ON audit (person_id);
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_is_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TABLE IF NOT EXISTS answered (
    key_id INTEGER NOT NULL, token TEXT NOT NULL, request TEXT NOT NULL, person_id INTEGER,
    at TEXT NOT NULL, PRIMARY KEY (key_id, token)
);
"""
TABLES: Final = {"key", "audit", "answered"}
APPLICATION: Final = 0x46535356
"""SQLite's application id, "FSSV": tells it from a gallery and from other SQLite files."""
VERSION: Final = 1
MARK: Final = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
PATIENCE: Final = 10.0
"""Seconds to wait for another process that writes."""


class Ledger:
    """The file; one thread at a time writes, one reads, and one looks up who asks."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it, readable by its owner only.

        Raises:
            GalleryUnavailable: it cannot be opened or is something else.
            GalleryTooNew: a later version wrote it.
        """
        self.path = path
        self._lock, self._reading, self._looking = (threading.Lock() for _ in range(3))
        self._opened: list[sqlite3.Connection] = []
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            # SQLite takes a scrap of another file for an empty one, and begins a database in it.
            if 0 < path.stat().st_size < SMALLEST:
                raise OSError("it is no database")
            self._database = self._connected()
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error
        try:
            marked = self._is_marked()
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            if not marked:
                self._database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} {MARK} COMMIT;")
            # One that only reads waits for nobody who writes, here or elsewhere. Keys have one of their own:
            # they are looked up where everybody would wait, and the log is long to read.
            self._reader, self._looker = self._connected(), self._connected()
            for database in (self._reader, self._looker):
                database.execute("PRAGMA query_only = ON")
        except BaseException as error:
            self._close()
            if isinstance(error, sqlite3.Error):
                raise self._unavailable(error) from error
            raise

    def _connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        self._opened.append(database)
        return database

    def _is_marked(self) -> bool:
        """Whether the file is ours; False for an empty one, and for the first ones, which bore no mark.

        Nothing of a file that is something else is changed: neither its tables nor its mode.
        """
        application, version = mark_of(self._database)
        found = {
            row[0] for row in self._database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        if application == version == 0 and (not found or found >= TABLES):
            return False
        if application != APPLICATION:
            raise sqlite3.DatabaseError("it is a database of something else")
        if version > VERSION:
            raise too_new(self.path, version, VERSION)
        return True

    def reading(self) -> AbstractContextManager[sqlite3.Connection]:
        """One state of the file; neither waits for who writes nor keeps them waiting."""
        return self._begun(self._reader, self._reading, "BEGIN")

    def looking_up(self) -> AbstractContextManager[sqlite3.Connection]:
        """The same for a few rows: nobody may be long at it."""
        return self._begun(self._looker, self._looking, "BEGIN")

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """All of it is kept afterwards, or none."""
        return self._begun(self._database, self._lock, "BEGIN IMMEDIATE")

    @contextmanager
    def _begun(
        self, database: sqlite3.Connection, lock: threading.Lock, begin: str
    ) -> Iterator[sqlite3.Connection]:
        with lock:
            try:
                database.execute(begin)
                yield database
                database.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._unavailable(error) from error
            finally:
                with suppress(sqlite3.ProgrammingError):  # closed meanwhile
                    if database.in_transaction:
                        database.execute("ROLLBACK")

    def settle(self) -> None:
        """Forget requests that were being answered when the service ended."""
        with self.transaction() as database:
            database.execute("DELETE FROM answered WHERE person_id IS NULL")

    def close(self) -> None:
        """Close the file."""
        with self._lock, self._reading, self._looking:
            self._close()

    def _close(self) -> None:
        # The one that writes last: it folds the log into the file.
        for database in reversed(self._opened):
            database.close()

    def _unavailable(self, error: Exception) -> GalleryUnavailable:
        return GalleryUnavailable(
            f"The service's file {self.path} cannot be used ({error}).",
            hint="Check its permissions and the disk; it lies beside the gallery.",
        )


def is_missing(path: Path) -> bool:
    """Whether nothing is there yet; what cannot be looked at is for ``Ledger`` to tell."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def ledger_path(gallery: Path) -> Path:
    """Where the service of a gallery keeps its own file."""
    return gallery.with_name(gallery.name + ".service")
