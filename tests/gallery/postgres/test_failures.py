"""Servers that are away, refuse, or go in the middle: what is done again, and what people are told."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, names, photos, units
from tests.gallery.servers import PASSWORD, Postgres

from firstsight.errors import FirstsightError, GalleryBusy, GalleryUnavailable, UsageError
from firstsight.gallery import open_store
from firstsight.gallery.postgres import PostgresStore, connection, failures
from firstsight.gallery.postgres.connection import Cursor

pytestmark = pytest.mark.server

Break = Callable[[str], None]


@pytest.fixture
def gallery(postgres_gallery: str) -> Iterator[PostgresStore]:
    store = open_store(postgres_gallery, CONTRACT)
    assert isinstance(store, PostgresStore)
    yield store
    store.close()


@pytest.fixture
def cut(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Break:
    """Makes the server end the connection, once, when the library is about to send a statement."""
    execute = psycopg.Connection.execute

    def arm(start: str) -> None:
        armed = [True]

        def cutting(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
            if armed and str(query).startswith(start):
                armed.clear()
                with postgres.connect() as database:
                    execute(database, "SELECT pg_terminate_backend(%s, 5000)", (self.info.backend_pid,))
            return execute(self, query, *arguments, **options)

        monkeypatch.setattr(psycopg.Connection, "execute", cutting)

    return arm


def refused(address: str) -> FirstsightError:
    """The error of an address, which shows the password nowhere."""
    with pytest.raises(FirstsightError) as caught:
        open_store(address, CONTRACT)
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint
    assert PASSWORD not in shown
    assert "%40%2F" not in shown  # the end of it, as it stands in the address
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_server_that_is_away(postgres: Postgres) -> None:
    error = refused("postgresql://ada:sesame-7%21%40%2F@127.0.0.1:1/faces?gallery=staff")
    assert isinstance(error, GalleryUnavailable)
    assert "postgresql://127.0.0.1:1/faces?gallery=staff" in error.message
    assert "server runs" in error.hint


def test_who_is_not_let_in(postgres: Postgres) -> None:
    wrong = refused(postgres.address("people", password=PASSWORD[:-1]))
    assert isinstance(wrong, GalleryUnavailable)
    assert "password" in wrong.hint
    assert PASSWORD[:-1] not in wrong.message
    assert "user" in refused(postgres.address("people", user="nobody-here")).hint


def test_a_database_that_is_not_there(postgres: Postgres) -> None:
    assert "createdb" in refused(postgres.address("people", database="absent")).hint


def test_an_option_that_libpq_does_not_know(postgres: Postgres) -> None:
    error = refused(postgres.address("people") + "&colour=red")
    assert isinstance(error, UsageError)
    assert "colour" in error.message
    # Options of the client library are none of libpq's.
    assert isinstance(refused(postgres.address("people") + "&autocommit=0"), UsageError)


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "sealed"])
def test_a_server_that_restarts_while_the_gallery_is_open(
    postgres: Postgres, postgres_gallery: str, key: bytes | None
) -> None:
    store = open_store(postgres_gallery, CONTRACT, key=key)
    store.add("Ada", photos(2, 1))
    probe = photos(2, 1)[1].embedding[None]
    assert store.search(probe, 1)[0][0].person == "Ada"
    postgres.stop(at_once=key is not None)
    for call in (lambda: store.search(probe, 1), lambda: store.add("Bob", []), store.people):
        with pytest.raises(GalleryUnavailable, match="postgresql://"):
            call()
    postgres.start()
    assert store.search(probe, 1)[0][0].person == "Ada"
    store.add("Carl", photos(1, 3))
    assert names(store.people()) == ["Ada", "Carl"]
    store.close()


@pytest.mark.parametrize("when", ["BEGIN", "COMMIT", "Composed"])
def test_a_read_whose_connection_is_lost_is_made_again(gallery: PostgresStore, cut: Break, when: str) -> None:
    gallery.add("Ada", photos(1, 1))
    cut(when)
    assert names(gallery.people()) == ["Ada"]


def test_a_change_that_was_lost_before_its_end_is_made_again(gallery: PostgresStore, cut: Break) -> None:
    gallery.add("Ada", photos(1, 1))
    cut("Composed")  # at its beginning
    assert gallery.add("Ada", photos(1, 2)).templates == 2
    tries = []

    def work(cursor: Cursor) -> None:
        cursor.execute("UPDATE gallery SET edits = edits + 1")
        tries.append(cursor.connection.info.backend_pid)
        if len(tries) == 1:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    edits = "SELECT edits FROM gallery"
    gallery._connection.write(work)
    assert len(tries) == 2
    assert gallery._connection.read(lambda cursor: cursor.execute(edits).fetchall()) == [(1,)]


def test_a_change_is_not_made_again_when_it_may_have_been_made(gallery: PostgresStore, cut: Break) -> None:
    cut("COMMIT")
    with pytest.raises(GalleryUnavailable, match="whole or not at all") as caught:
        gallery.add("Ada", photos(1, 1))
    assert "See whether it is there" in caught.value.hint
    assert gallery.people() == []
    gallery.add("Ada", photos(1, 1))


def test_a_connection_is_not_sought_for_ever(gallery: PostgresStore) -> None:
    tries = []

    def work(cursor: Cursor) -> None:
        tries.append(1)
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(GalleryUnavailable):
        gallery._connection.read(work)
    assert len(tries) == 2
    assert gallery.people() == []


@pytest.mark.parametrize("kind", [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected])
def test_changes_that_met_others_are_made_again(gallery: PostgresStore, kind: type[psycopg.Error]) -> None:
    tries = []

    def work(cursor: Cursor) -> int:
        cursor.execute("UPDATE gallery SET edits = edits + 1")
        tries.append(1)
        if len(tries) < 3:
            raise kind("met another")
        return len(tries)

    assert gallery._connection.write(work) == 3
    edits = "SELECT edits FROM gallery"
    assert gallery._connection.read(lambda cursor: cursor.execute(edits).fetchall()) == [(1,)]
    tries.clear()

    def meet(cursor: Cursor) -> None:
        tries.append(1)
        raise kind("met another")

    with pytest.raises(GalleryBusy):
        gallery._connection.write(meet)
    assert len(tries) == connection.TRIES


def test_a_gallery_held_for_too_long(gallery: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "PATIENCE", 1)
    gallery.add("Ada", photos(1, 1))

    def hold(cursor: Cursor) -> None:
        cursor.execute("SELECT 1 FROM gallery FOR UPDATE")
        with pytest.raises(GalleryBusy, match="Others held"):
            gallery.add("Bob", photos(1, 2))
        # Reading goes on.
        assert names(gallery.people()) == ["Ada"]
        assert gallery.search(units(1, 1), 1)[0][0].person == "Ada"

    gallery._connection.write(hold)
    assert gallery.add("Bob", photos(1, 2)).templates == 1


def test_a_server_that_takes_no_changes(gallery: PostgresStore, postgres: Postgres) -> None:
    with pytest.raises(GalleryUnavailable, match="takes no changes") as caught:
        gallery._connection.read(lambda cursor: cursor.execute("UPDATE gallery SET edits = 7"))
    assert "primary" in caught.value.hint
