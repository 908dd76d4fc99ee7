"""A few connections to one database, for threads that need one each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from firstsight.errors import GalleryBusy, GalleryUnavailable
from firstsight.gallery.postgres.address import Address
from firstsight.gallery.postgres.failures import PATIENCE, unreachable

Session = psycopg.Connection[tuple[Any, ...]]

SIZE: Final = 4
"""Connections at a time, of one process to one gallery."""


class Pool:
    """Opens connections when they are needed and keeps them for the next."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._places = threading.BoundedSemaphore(SIZE)
        self._lock = threading.Lock()
        self._idle: list[Session] = []
        self._closed = False

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A connection outside of any transaction, for this thread alone.

        Raises:
            GalleryUnavailable, UsageError: there is none to be had, or the pool is closed.
            GalleryBusy: other threads use all of them for too long.
        """
        if not self._places.acquire(timeout=PATIENCE):
            raise GalleryBusy(
                f"All {SIZE} connections to {self._address.place} were in use for over {PATIENCE} seconds.",
                hint="Ask for less at a time.",
            )
        try:
            session = self._taken()
            try:
                yield session
            finally:
                self._give_back(session)
        finally:
            self._places.release()

    def forget(self) -> None:
        """Close what is kept: one connection was lost, so the others are, too."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def close(self) -> None:
        """Close all; those that are in use, when they come back."""
        with self._lock:
            self._closed = True
        self.forget()

    def _taken(self) -> Session:
        with self._lock:
            if self._closed:
                raise GalleryUnavailable(
                    f"The gallery {self._address.place} was closed.", hint="Open it again."
                )
            if self._idle:
                return self._idle.pop()
        return self._connected()

    def _give_back(self, session: Session) -> None:
        if session.info.transaction_status == TransactionStatus.IDLE:
            with self._lock:
                if not self._closed:
                    self._idle.append(session)
                    return
        session.close()

    def _connected(self) -> Session:
        try:
            # Transactions are begun by hand. Nothing is prepared on the server: a pooler in between
            # may give each transaction another connection.
            session = psycopg.connect(
                make_conninfo("", **self._address.options, client_encoding="UTF8"),
                autocommit=True,
                prepare_threshold=None,
            )
        except psycopg.Error as error:
            raise unreachable(error, self._address) from error
        if (encoding := session.info.parameter_status("server_encoding")) != "UTF8":
            session.close()
            raise GalleryUnavailable(
                f"The database of {self._address.place} keeps text as {encoding}, which not every name fits.",
                hint="Make one with: createdb --encoding=UTF8 --template=template0 NAME",
            )
        return session
