"""One gallery, used by several threads and processes at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen

import pytest
from tests.gallery import gallery_workers
from tests.gallery.gallery_makers import CONTRACT, photos, units

from firstsight.errors import GalleryBusy, NameTaken, NoSuchPerson
from firstsight.gallery import Store, open_store
from firstsight.gallery.sqlite import connection

PEOPLE = 25


def finished(*workers: Popen[str]) -> list[list[str]]:
    """The lines of each worker, all of which must have ended well."""
    said = []
    for worker in workers:
        out, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0
        said.append(out.split())
    return said


def test_several_processes_make_write_and_read_one_gallery(path: Path) -> None:
    """They also begin at the same time, with no gallery there yet."""
    writers = [gallery_workers.start("enrol", path, f"writer{number}", str(PEOPLE)) for number in range(3)]
    readers = [gallery_workers.start("look", path, "60") for _ in range(2)]
    said = finished(*writers, *readers)
    store = open_store(path, CONTRACT)
    names = sorted(person.name for person in store.people())
    assert names == sorted(name for lines in said[:3] for name in lines)
    assert len(names) == 3 * PEOPLE
    assert len(store.search(units(1, 0), 1000)[0]) == 3 * PEOPLE
    store.close()


def test_a_store_follows_another_process(plain: Store, path: Path) -> None:
    assert plain.search(units(1, 0), 1) == [[]]
    finished(gallery_workers.start("enrol", path, "other", "4"))
    found = plain.search(photos(3, 2)[1].embedding[None], 1)
    assert found[0][0].person == "other-2"
    assert plain.count_templates() == 12


def test_threads_share_a_store(store: Store) -> None:
    def write(worker: int) -> None:
        for number in range(PEOPLE):
            name = f"{worker}-{number}"
            store.add(name, photos(3, number))
            if number % 5 == 1:
                store.rename(name, f"renamed {name}")
            if number % 5 == 2:
                store.erase(name)

    def read(_: int) -> None:
        for _ in range(40):
            assert all(person.templates == 3 for person in store.people())
            (matches,) = store.search(units(1, 0), 1000)
            assert len({match.person_id for match in matches}) == len(matches)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda job: job[0](job[1]), [(write, 0), (read, 0), (write, 1), (read, 1)]))
    assert len(store.people()) == 2 * PEOPLE * 4 // 5
    assert len(store.search(units(1, 0), 1000)[0]) == 2 * PEOPLE * 4 // 5


def test_of_many_who_want_the_same_one_gets_it(store: Store) -> None:
    def rename(number: int) -> bool:
        try:
            return store.rename(f"person {number}", "Ada").name == "Ada"
        except NameTaken:
            return False

    def erase(_: int) -> bool:
        try:
            return store.erase("Ada").templates == 1
        except NoSuchPerson:
            return False

    for number in range(4):
        store.add(f"person {number}", photos(1, number))
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(rename, range(4))) == 1
        assert sum(pool.map(erase, range(4))) == 1
    assert len(store.people()) == 3


def test_a_gallery_held_for_too_long(plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain.add("Ada", photos(1, 1))
    monkeypatch.setattr(connection, "PATIENCE", 0.2)
    hurried = open_store(path, CONTRACT)
    with gallery_workers.start("hold", path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(GalleryBusy, match="Another process") as caught:
            hurried.add("Bob", photos(1, 2))
        assert caught.value.hint
        # Reading goes on.
        assert [person.name for person in hurried.people()] == ["Ada"]
        assert hurried.search(units(1, 1), 1)[0][0].person == "Ada"
        holder.kill()
    hurried.add("Bob", photos(1, 2))
    hurried.close()


def test_reading_does_not_wait_for_a_thread_that_waits_to_write(plain: Store, path: Path) -> None:
    plain.add("Ada", photos(1, 1))
    with gallery_workers.start("hold", path) as holder, ThreadPoolExecutor(1) as pool:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        waiting = pool.submit(plain.add, "Bob", photos(1, 2))
        assert [person.name for person in plain.people()] == ["Ada"]
        assert not waiting.done()
        holder.kill()
        assert waiting.result(timeout=10).name == "Bob"
