"""Nothing stays in the tables' files of what was removed.

PostgreSQL keeps the old version of a row that was changed or removed, and ``VACUUM`` marks its
bytes as free but does not overwrite them. ``VACUUM (FULL)`` writes a table and its indexes to new
files from what is still held, and the old files are removed. It needs the table for itself, so it
waits a moment for who is reading, and who would read waits for it.

Promised, of a receipt that says ``cleared``: the files of the gallery's tables and indexes, and
what the server samples of them, hold nothing of it any more. Not promised, for no client can see to
it: the write-ahead log, which the server overwrites in its own time; its archive, replicas and
backups; the server's own log, where it is told to write down statements; and free blocks of the
disk.
"""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from firstsight.errors import FirstsightError
from firstsight.gallery.postgres.connection import Connection, Cursor
from firstsight.gallery.postgres.pool import Session

CLEARING: Final = 2.0
"""Seconds to wait for those who read, or who may still see what was removed."""
PAUSE: Final = 0.1
"""Seconds between two tries."""
TABLES: Final = ("person", "template")


def note_edit(cursor: Cursor, *, people: bool, templates: bool) -> None:
    """Count an edit, in its own transaction, and the tables in which it leaves traces.

    Should we die before they are gone, the next who opens the gallery sees that they are not.
    """
    cursor.execute(
        "UPDATE gallery SET edits = edits + 1, person_traces = person_traces OR %s, "
        "template_traces = template_traces OR %s",
        (people, templates),
    )


def clear(connection: Connection) -> bool:
    """Remove the traces of all edits so far.

    Returns:
        False if it could not be done now: somebody read on, an older transaction may still look at
        what was removed, the disk was full, or the tables are another user's.
    """
    try:
        edits, *due = connection.read(_due)
        tables = [table for table, left in zip(TABLES, due, strict=True) if left]
        if not tables:
            return True
        until = time.monotonic() + CLEARING
        while not _written_anew(connection, tables, until):
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        # Whoever edited meanwhile removes their own traces.
        connection.write(
            lambda cursor: (
                cursor.execute(
                    "UPDATE gallery SET person_traces = false, template_traces = false WHERE edits = %s",
                    (edits,),
                ).rowcount
            )
        )
    except (FirstsightError, psycopg.Error):
        return False
    return True


def _due(cursor: Cursor) -> tuple[int, bool, bool]:
    row = cursor.execute("SELECT edits, person_traces, template_traces FROM gallery").fetchone()
    return row or (0, False, False)


def _written_anew(connection: Connection, tables: list[str], until: float) -> bool:
    """Write those tables to new files, of rows that are still held; whether it was done."""
    with connection.pool.session() as session:
        wait = max(1, round(1000 * (until - time.monotonic())))
        session.execute("SELECT set_config('lock_timeout', %s, false)", (f"{wait}ms",))
        try:
            return all(_rewritten(session, connection.address.schema, table) for table in tables)
        except psycopg.errors.LockNotAvailable:
            return False
        finally:
            with suppress(psycopg.Error):
                session.execute("RESET lock_timeout")


def _rewritten(session: Session, schema: str, table: str) -> bool:
    """Write one table anew; whether nothing was carried over that somebody may still look at."""
    left: list[str] = []

    def note(said: psycopg.errors.Diagnostic) -> None:
        # "0 dead row versions cannot be removed yet", in whatever language.
        if number := re.match(r"\d+", said.message_detail or ""):
            left.append(number[0])

    before = _file(session, schema, table)
    session.add_notice_handler(note)
    try:
        session.execute(sql.SQL("VACUUM (FULL, VERBOSE) {}").format(sql.Identifier(schema, table)))
    finally:
        session.remove_notice_handler(note)
    # Another user's table is passed over with a warning only.
    return _file(session, schema, table) != before and left == ["0"]


def _file(session: Session, schema: str, table: str) -> object:
    return session.execute(
        "SELECT pg_relation_filenode(pg_class.oid) FROM pg_class "
        "JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = %s AND relname = %s",
        (schema, table),
    ).fetchone()
