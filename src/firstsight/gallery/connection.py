"""A connection to an embedded gallery: durable, overwriting, and with errors for people."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from firstsight.errors import (
    GalleryBusy,
    GalleryCorrupt,
    GalleryError,
    GalleryUnavailable,
)

PATIENCE: Final = 10.0
"""Seconds to wait for another process that writes."""
CLEARING: Final = 2.0
"""Seconds to wait for readers before the log can be emptied."""


class Connection:
    """One SQLite connection, shared by threads one at a time."""

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open the file.

        Raises:
            GalleryUnavailable, GalleryCorrupt, GalleryBusy: it cannot be opened.
        """
        self.path = path
        self._lock = threading.RLock()
        self._prepare(create)
        with self._reporting():
            self._database = sqlite3.connect(
                path, timeout=PATIENCE, isolation_level=None, check_same_thread=False
            )
        try:
            with self._reporting():
                for pragma in (
                    "journal_mode = WAL",
                    "synchronous = FULL",
                    "foreign_keys = ON",
                    "secure_delete = ON",
                    "trusted_schema = OFF",
                ):
                    self._database.execute(f"PRAGMA {pragma}")
        except GalleryError:
            self._database.close()
            raise

    def _prepare(self, create: bool) -> None:
        """See that there is a file, readable by its owner only when it is new."""
        if self.path.is_dir():
            raise GalleryUnavailable(f"{self.path} is a folder.", hint="Name a file.")
        try:
            if self.path.exists():
                return
            if not create:
                raise GalleryUnavailable(
                    f"There is no gallery at {self.path}.",
                    hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        except (OSError, ValueError) as error:
            raise GalleryUnavailable(
                f"The gallery {self.path} cannot be made ({error}).",
                hint="Name another file with --gallery.",
            ) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for a single statement or a few that need not agree."""
        with self._lock, self._reporting():
            yield self._database

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """The connection, for statements that must see one state of the file."""
        with self._lock, self._reporting():
            self._database.execute("BEGIN")
            try:
                yield self._database
            finally:
                self._database.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk afterwards, or none."""
        with self._lock, self._reporting():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def changes(self) -> int:
        """A number that differs after another connection has written."""
        with self.reading() as database:
            return int(database.execute("PRAGMA data_version").fetchone()[0])

    def clear_log(self) -> bool:
        """Empty the write-ahead log, so that nothing removed is left in it.

        Returns:
            False if another process kept reading from it for too long.
        """
        until = time.monotonic() + CLEARING
        with self._lock:
            while True:
                with closing(self._checkpoint()) as rows:
                    busy = rows.fetchone()[0]
                if not busy:
                    return True
                if time.monotonic() > until:
                    return False
                time.sleep(0.02)

    def _checkpoint(self) -> sqlite3.Cursor:
        with self._reporting():
            self._database.execute("PRAGMA busy_timeout = 100")
            try:
                return self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._database.execute(f"PRAGMA busy_timeout = {int(1000 * PATIENCE)}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self.path) from error


def translated(error: sqlite3.Error, path: Path) -> GalleryError:
    """What a SQLite error means for the user of a gallery."""
    # The low byte is the primary result code.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return GalleryCorrupt(
            f"{path} is damaged or is no gallery ({error}).",
            hint="Restore it from a backup, or name another file with --gallery.",
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return GalleryBusy(
            f"Another process has been writing to {path} for over {PATIENCE:.0f} seconds.",
            hint="Try again when it has finished.",
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return GalleryUnavailable(
            f"{path} cannot be written to.", hint="Check the permissions of the file and its folder."
        )
    if code == sqlite3.SQLITE_FULL:
        return GalleryUnavailable(
            f"The disk of {path} is full; nothing was changed.", hint="Make room and try again."
        )
    return GalleryUnavailable(
        f"{path} cannot be used ({error}).", hint="Check the file, its folder and the disk."
    )
