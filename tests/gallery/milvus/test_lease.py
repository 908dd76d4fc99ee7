"""Who writes: one at a time, and nobody for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.gallery.gallery_makers import CONTRACT

from firstsight.errors import GalleryBusy
from firstsight.gallery import open_store
from firstsight.gallery.milvus import MilvusStore, lease
from firstsight.gallery.milvus.connection import Connection
from firstsight.gallery.milvus.lease import Lease


@pytest.fixture
def connection(milvus_gallery: str) -> Iterator[Connection]:
    store = open_store(milvus_gallery, CONTRACT)
    assert isinstance(store, MilvusStore)
    yield store._connection
    store.close()


def test_a_second_waits_until_the_first_has_finished(connection: Connection) -> None:
    first, second = Lease(connection), Lease(connection)
    assert not first.acquire()
    waiting = threading.Thread(target=second.acquire)
    waiting.start()
    waiting.join(1)
    assert waiting.is_alive()
    assert not second.held
    first.release()
    waiting.join(30)
    assert second.held
    second.release()


def test_who_waits_for_too_long_is_told(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "PATIENCE", 0.5)
    first = Lease(connection)
    first.acquire()
    with pytest.raises(GalleryBusy, match="Another process"):
        Lease(connection).acquire()
    first.release()


def test_it_is_taken_from_one_that_does_not_stir(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 1.0)
    dead, alive = Lease(connection), Lease(connection)
    dead.acquire()
    dead._end.set()
    assert alive.acquire()
    assert not dead.held  # long before, so that it cannot write any more
    assert not dead.renew()
    with pytest.raises(GalleryBusy, match="nothing was changed"):
        dead.check()


def test_it_is_not_taken_from_one_that_renews_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 3.0)
    monkeypatch.setattr(lease, "PATIENCE", 5.0)
    busy, other = Lease(connection), Lease(connection)
    busy.acquire()
    with pytest.raises(GalleryBusy):
        other.acquire()
    assert busy.held
    busy.release()


def test_of_many_that_come_at_once_one_has_it(connection: Connection) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def write() -> None:
        nonlocal inside, most
        mine = Lease(connection)
        mine.acquire()
        with lock:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.05)
        with lock:
            inside -= 1
        mine.release()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most == 1
    assert inside == 0
