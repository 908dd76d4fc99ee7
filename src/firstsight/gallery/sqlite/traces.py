"""Nothing stays in the files of what was removed.

``secure_delete`` overwrites what a statement frees, but not the copies that SQLite leaves in the
unused part of a page when it divides pages or joins them: names of removed people were found there.
``VACUUM`` writes all pages anew from what is still held, and a truncating checkpoint removes the
older pages from the log. For 100,000 templates that takes about a third of a second; in larger
galleries it is put off until they are closed or somebody asks for it, once for all edits until then.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import Final

from firstsight.errors import GalleryError
from firstsight.gallery.sqlite import connection
from firstsight.gallery.sqlite.connection import PATIENCE, PAUSE, Connection

LARGE: Final = 64 * 2**20
"""Bytes of a gallery from which on its traces are not cleared after each edit."""


def note_edit(database: sqlite3.Connection) -> None:
    """Count an edit, in its own transaction.

    Should we die before its traces are gone, the next who opens the gallery sees that they are not.
    """
    database.execute("UPDATE gallery SET edits = edits + 1")


def settle(gallery: Connection, edited: bool) -> None:
    """Remove what a process that died may have left: traces of edits, or half a change in the log.

    Args:
        gallery: that was just opened.
        edited: whether there are edits whose traces were not cleared.
    """
    if edited:
        clear(gallery)
        return
    with suppress(GalleryError), gallery.maintaining() as database:
        _log_emptied(database, patience=0)


def clear_small(gallery: Connection) -> bool:
    """``clear``, but for a large gallery: so that an edit takes as long in any.

    Returns:
        False if it was put off, or could not be done now.
    """
    try:
        large = gallery.path.stat().st_size >= LARGE
    except OSError:
        return False
    return not large and clear(gallery)


def clear(gallery: Connection) -> bool:
    """Remove the traces of all edits so far.

    Returns:
        False if it could not be done now: a reader held on to the log, or the disk was full.
    """
    try:
        with gallery.maintaining() as database:
            edits, cleared = database.execute("SELECT edits, cleared FROM gallery").fetchone()
            if edits == cleared:
                return True
            # Before, to make room on the disk; after, also if there was not enough.
            _log_emptied(database, patience=0)
            try:
                database.execute("VACUUM")
            finally:
                emptied = _log_emptied(database, connection.CLEARING)
            if not emptied:
                return False
            # Another process may have cleared further meanwhile.
            database.execute("UPDATE gallery SET cleared = max(cleared, ?)", (edits,))
            return True
    except GalleryError:
        return False


def _log_emptied(database: sqlite3.Connection, patience: float) -> bool:
    """Move the log into the file and cut it to nothing, unless readers hold that up for longer."""
    database.execute("PRAGMA busy_timeout = 0")
    try:
        until = time.monotonic() + patience
        while database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        return True
    finally:
        database.execute(f"PRAGMA busy_timeout = {int(1000 * PATIENCE)}")
