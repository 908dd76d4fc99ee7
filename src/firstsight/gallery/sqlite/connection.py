"""Two connections to one gallery file, to read and to write, with errors for people."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from firstsight.errors import (
    ChangeUncertain,
    GalleryBusy,
    GalleryCorrupt,
    GalleryError,
    GalleryMissing,
    GalleryUnavailable,
)
from firstsight.gallery.marked import SMALLEST

PATIENCE: Final = 10.0
"""Seconds to wait for another process that writes."""
CLEARING: Final = 2.0
"""Seconds to wait for readers before the log can be emptied."""
PAUSE: Final = 0.02
"""Seconds between two tries."""


class Connection:
    """Reads and writes of one file, by threads one at a time each.

    Who reads never waits for who writes, in this process or another. Only the file that lies at its place
    is used: SQLite goes on with one that was moved, deleted or replaced, where nobody would ever look.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        """Open the file; an existing one is not changed yet.

        Raises:
            GalleryUnavailable, GalleryCorrupt, GalleryBusy: it cannot be opened.
        """
        self.path = path
        # Absolute, for the process may change its folder, and SQLite gives names like ":memory:" a meaning.
        self._place = path.absolute()
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._prepare(create)
        self._writer = self._connect()
        try:
            self._file = self._found()
        except BaseException:
            self._writer.close()
            raise
        self._reader = self._writer

    def start(self) -> None:
        """Turn to the write-ahead log, which is where SQLite lets many read while one writes."""
        with self._reporting():
            self._patiently("PRAGMA journal_mode = WAL")
            self._reader = self._connect()
            self._reader.execute("PRAGMA query_only = ON")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the file.

        Raises:
            GalleryUnavailable: the file is no longer at its place.
        """
        with self._reading, self._reporting():
            self._see_it_is_there()
            self._reader.execute("BEGIN")
            try:
                yield self._reader
            finally:
                if self._reader.in_transaction:
                    self._reader.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk afterwards, or none.

        Raises:
            GalleryUnavailable: the file is no longer at its place; nothing was changed.
            ChangeUncertain: it was moved, deleted or replaced meanwhile, and the change went with it.
        """
        with self._writing, self._reporting():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                self._see_it_is_there()
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            # Again: what is acknowledged has to lie where others, and the next start, will look for it.
            try:
                self._see_it_is_there()
            except GalleryUnavailable as error:
                raise ChangeUncertain(
                    f"{self.path} was moved, deleted or replaced while it was changed.", hint=error.hint
                ) from error

    @contextmanager
    def maintaining(self) -> Iterator[sqlite3.Connection]:
        """The writing connection, outside of a transaction."""
        with self._writing, self._reporting():
            yield self._writer

    def version(self) -> int:
        """A number that differs after anybody has written, be it through this very object."""
        with self._reading, self._reporting():
            return int(self._reader.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the file, after those who are at it."""
        with self._reading, self._writing, self._reporting():
            self._reader.close()
            self._writer.close()

    def _prepare(self, create: bool) -> None:
        """See that there is a file, readable by its owner only when it is new."""
        try:
            if self.path.is_dir():
                raise GalleryUnavailable(f"{self.path} is a folder.", hint="Name a file.")
            if self.path.is_file():
                # Never read here: closing a file drops the locks that SQLite holds on it. What
                # SQLite sees as no database it refuses itself, but it would begin one in a scrap.
                if 0 < self.path.stat().st_size < SMALLEST:
                    raise GalleryCorrupt(
                        f"{self.path} is no gallery.", hint="Name another file with --gallery."
                    )
                return
            if self.path.exists():
                raise GalleryUnavailable(f"{self.path} is not a file.", hint="Name a file.")
            if not create:
                raise GalleryMissing(
                    f"There is no gallery at {self.path}.",
                    hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
                )
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # another process was first
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise GalleryUnavailable(
                f"The gallery {self.path} cannot be opened or made ({reason}).",
                hint="Check its folder, or name another file with --gallery.",
            ) from error

    def _found(self) -> tuple[int, int]:
        """What tells the file at our place from any other: the number of one that is open is not given again.

        Some systems know no such numbers and say 0; they let nobody take away a file that is open.

        Raises:
            GalleryUnavailable: none is there.
        """
        try:
            found = self._place.stat()
        except OSError as error:
            raise GalleryUnavailable(
                f"{self.path} is no longer where it was opened ({error.strerror}).",
                hint="Put it back, with the -wal beside it, or open the gallery anew.",
            ) from error
        return found.st_dev, found.st_ino

    def _see_it_is_there(self) -> None:
        """The file that is open still lies at its place.

        Raises:
            GalleryUnavailable: it does not.
        """
        if self._found() != self._file:
            raise GalleryUnavailable(
                f"{self.path} is no longer the file that was opened: another was put in its place.",
                hint="Open the gallery anew; a service has to be started again.",
            )

    def _connect(self) -> sqlite3.Connection:
        with self._reporting():
            database = sqlite3.connect(
                self._place,
                timeout=PATIENCE,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                for pragma in (
                    "synchronous = FULL",
                    "foreign_keys = ON",
                    "secure_delete = ON",
                    "temp_store = MEMORY",  # nothing of anybody in a temporary file
                    "trusted_schema = OFF",
                ):
                    database.execute(f"PRAGMA {pragma}")
            except BaseException:
                database.close()
                raise
            return database

    def _patiently(self, statement: str) -> None:
        """Try a statement for which SQLite does not itself wait until others are done."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._writer.execute(statement)
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(PAUSE)
            else:
                return

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self.path) from error


def _code(error: sqlite3.Error) -> int:
    """The primary result code: the low byte."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def translated(error: sqlite3.Error, path: Path) -> GalleryError:
    """What a SQLite error means for the user of a gallery."""
    code = _code(error)
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
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return GalleryUnavailable(
            f"{path} cannot be opened for writing ({error}).",
            hint="Check the permissions of the file and of its folder; the log lies beside it.",
        )
    if code == sqlite3.SQLITE_FULL:
        return GalleryUnavailable(
            f"The disk of {path} is full; nothing was changed.", hint="Make room and try again."
        )
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return GalleryUnavailable(f"The gallery {path} was closed.", hint="Open it again.")
    return GalleryUnavailable(
        f"{path} cannot be used ({error}).", hint="Check the file, its folder and the disk."
    )
