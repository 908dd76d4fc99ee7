"""Transactions on one gallery, tried again where that is safe, with errors for people."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from firstsight.gallery.postgres import failures
from firstsight.gallery.postgres.address import Address
from firstsight.gallery.postgres.pool import Pool, Session

Cursor = psycopg.Cursor[tuple[Any, ...]]
Found = TypeVar("Found")
Work = Callable[[Cursor], Found]
"""What is done within a transaction. It may be done twice, so it changes nothing but the gallery."""

TRIES: Final = 5
"""Of a transaction that met others."""
PAUSE: Final = 0.02
"""Seconds between two tries, times their number."""
FORGOTTEN: Final = 60
"""Seconds after which the server undoes the change of a client that says nothing more."""


class Connection:
    """Reads and writes of one gallery, by any thread."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.pool = Pool(address)
        self._vector: str | None = None

    def find_vector(self) -> bool:
        """Whether the database has pgvector; its types and operators are found from now on."""
        found = self.look(
            lambda cursor: cursor.execute(
                "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
                "WHERE extname = 'vector'"
            ).fetchone()
        )
        self._vector = str(found[0]) if found else None
        return found is not None

    def read(self, work: Work[Found]) -> Found:
        """One state of the gallery, seen by all of the work.

        The tables are locked, against being remade only, before the state is chosen: who came to a
        state first and to a table that was remade meanwhile second, would find that empty.
        """
        return self._transaction(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {settings}; "
            "LOCK TABLE person, template IN ACCESS SHARE MODE",
            work,
        )

    def look(self, work: Work[Found]) -> Found:
        """One state of the database, whether the gallery is there or not."""
        return self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {settings}", work)

    def write(self, work: Work[Found]) -> Found:
        """One transaction: all of it is kept afterwards, or none.

        A connection that is lost before the end undoes it, and it is tried once more; not so one
        that is lost while the end was on its way, for the change may be there.
        """
        return self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {settings}", work)

    def close(self) -> None:
        """Close all connections."""
        self.pool.close()

    def _transaction(self, begin: str, work: Work[Found]) -> Found:
        tries, renewed = 1, False
        while True:
            ending = gone = False
            try:
                with self.pool.session() as session:
                    try:
                        session.execute(sql.SQL(begin).format(settings=self._settings()))
                        with session.cursor(binary=True) as cursor:
                            found = work(cursor)
                        ending = "READ WRITE" in begin
                        session.execute("COMMIT")
                        return found
                    except BaseException as error:
                        gone = isinstance(error, psycopg.Error) and failures.lost(error, session)
                        _undo(session)
                        raise
            except psycopg.Error as error:
                if gone:
                    self.pool.forget()
                if gone and ending:
                    raise failures.unknown_end(self.address) from error
                if gone and not renewed:
                    renewed = True
                elif error.sqlstate in failures.AGAIN and tries < TRIES:
                    time.sleep(PAUSE * tries)
                    tries += 1
                else:
                    raise failures.translated(error, self.address) from error

    def _settings(self) -> sql.Composed:
        """For this transaction only; the catalogue's own functions always come first."""
        schemas = [name for name in (self.address.schema, self._vector) if name]
        return sql.SQL(
            "SET LOCAL search_path = {path}; SET LOCAL lock_timeout = {patience}; "
            "SET LOCAL idle_in_transaction_session_timeout = {forgotten}"
        ).format(
            path=sql.SQL(", ").join(map(sql.Identifier, schemas)),
            patience=sql.Literal(f"{failures.PATIENCE}s"),
            forgotten=sql.Literal(f"{FORGOTTEN}s"),
        )


def _undo(session: Session) -> None:
    """Leave no transaction open; a connection in the middle of something is closed by the pool."""
    if session.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
        with suppress(psycopg.Error):
            session.execute("ROLLBACK")
