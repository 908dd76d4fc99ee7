"""The tables of an embedded gallery, as a list of migrations."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from firstsight.errors import GalleryCorrupt
from firstsight.gallery.marked import mark_of, too_new

APPLICATION: Final = 0x46535447
"""SQLite's application id, "FSTG": tells a gallery from other SQLite files."""

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE gallery (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        model TEXT NOT NULL,
        digest TEXT NOT NULL,
        preprocessing TEXT NOT NULL,
        dimension INTEGER NOT NULL CHECK (dimension > 0),
        proof BLOB,
        generation INTEGER NOT NULL DEFAULT 0,
        edits INTEGER NOT NULL DEFAULT 0,
        cleared INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE person (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL,
        consent TEXT NOT NULL DEFAULT '',
        retain_until TEXT,
        notes TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TABLE template (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
        created TEXT NOT NULL,
        source TEXT NOT NULL,
        quality REAL NOT NULL,
        embedding BLOB NOT NULL,
        crop BLOB
    ) STRICT;
    CREATE INDEX template_of_person ON template (person_id);
    """,
)
"""Migration i leads from version i to i + 1. They are only ever appended to; none may hold a
semicolon inside a statement.

The one row of ``gallery`` counts what the search and the erasing need to know: ``generation``
counts changes of the model, ``edits`` all changes but additions, and ``cleared`` is the edit up to
which the files are known to hold no trace of what was removed.
"""


def check(database: sqlite3.Connection, path: Path) -> int:
    """The version of the file's schema; 0 for an empty file.

    Raises:
        GalleryCorrupt: a SQLite file, but no gallery.
        GalleryTooNew: written by a later version of firstsight.
    """
    application, version = mark_of(database)
    tables = int(database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if application == version == tables == 0:
        return 0
    if application != APPLICATION or version < 1:
        raise GalleryCorrupt(
            f"{path} is a database of something else.", hint="Name another file for the gallery."
        )
    if version > len(MIGRATIONS):
        raise too_new(path, version, len(MIGRATIONS))
    return version


def migrate(database: sqlite3.Connection, version: int) -> None:
    """Bring the tables from ``version`` to the newest; inside a transaction of the caller's."""
    for script in MIGRATIONS[version:]:
        for statement in filter(str.strip, script.split(";")):
            database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION}")
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
