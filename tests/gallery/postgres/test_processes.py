"""One gallery, used by several processes at a time, some of which are killed."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tests.gallery import gallery_workers
from tests.gallery.gallery_makers import CONTRACT, OTHER, names, photos, units
from tests.gallery.postgres import worker

from firstsight.errors import ModelMismatch
from firstsight.gallery import Contract, Store, open_store
from firstsight.gallery.postgres import header
from firstsight.gallery.postgres.connection import Cursor

pytestmark = pytest.mark.server

PEOPLE = 8


def start(program: str | None, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(program), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=gallery_workers.environment(),
        text=True,
    )


def whole(store: Store) -> list[str]:
    """Everybody, each of whom has all that the worker gave them."""
    people = store.people()
    for person in people:
        assert person.templates == gallery_workers.PHOTOS
        assert person.notes == f"of {person.name}"
    crops = [crop.crop for crop in store.crops()]
    assert None not in crops
    assert len(crops) == store.count_templates() == gallery_workers.PHOTOS * len(people)
    return names(people)


def test_two_processes_make_one_gallery_and_enrol_the_same_people(postgres_gallery: str) -> None:
    """They also begin at the same time, with no gallery there yet."""
    arguments = ("enrol", postgres_gallery, "both", str(PEOPLE))
    workers = [start(gallery_workers.__file__, *arguments) for _ in range(2)]
    said = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert said[0] == said[1]
    store = open_store(postgres_gallery, CONTRACT)
    assert names(store.people()) == sorted(said[0])
    assert {person.templates for person in store.people()} == {2 * gallery_workers.PHOTOS}
    assert store.count_templates() == 2 * gallery_workers.PHOTOS * PEOPLE
    assert len(store.search(units(1, 0), 1000)[0]) == PEOPLE
    store.close()


def test_who_reads_while_the_gallery_changes_its_model_never_finds_it_empty(
    postgres_gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = open_store(postgres_gallery, CONTRACT), open_store(postgres_gallery, CONTRACT)
    ours.add("Ada", photos(1, 1))
    made_anew, go_on = threading.Event(), threading.Event()
    change_model = header.change_model

    def paused(cursor: Cursor, contract: Contract) -> None:
        made_anew.set()
        assert go_on.wait(20)
        change_model(cursor, contract)

    monkeypatch.setattr(header, "change_model", paused)
    with ThreadPoolExecutor(2) as pool:
        moving = pool.submit(theirs.replace_all, OTHER, {1: units(1, 9, OTHER.dimension)[0]})
        assert made_anew.wait(20)
        searching = pool.submit(ours.search, units(1, 1), 1)
        time.sleep(0.3)  # it is to come to the table before the change has ended
        go_on.set()
        assert moving.result(20) == []
        with pytest.raises(ModelMismatch):
            searching.result(20)
    for store in (ours, theirs):
        store.close()


def test_killed_while_enrolling(postgres_gallery: str) -> None:
    acknowledged: list[str] = []
    for number, seconds in enumerate(np.random.default_rng(0).uniform(0, 0.05, 2).tolist()):
        prefix = f"round{number}"
        with start(gallery_workers.__file__, "enrol", postgres_gallery, prefix, "") as process:
            assert process.stdout
            lines = [process.stdout.readline()]
            time.sleep(seconds)
            process.kill()
            lines += process.stdout.readlines()
        acknowledged += [line.rstrip("\n") for line in lines if line.endswith("\n")]
        store = open_store(postgres_gallery, CONTRACT)
        held = whole(store)
        store.close()
        assert set(acknowledged) <= set(held)
        # One more in each round may have been written without our having heard of it.
        assert len(held) <= len(acknowledged) + number + 1
    assert len(acknowledged) >= 2


def test_killed_in_the_middle_of_one(postgres_gallery: str) -> None:
    store = open_store(postgres_gallery, CONTRACT)
    store.add("Ada", photos(1, 1))
    with start(worker.__file__, postgres_gallery) as process:
        assert process.stdout
        assert process.stdout.readline() == "begun\n"
        assert names(store.people()) == ["Ada"]
        process.kill()
    # The server has undone it, and lets others write.
    assert store.add("Carl", photos(1, 3)).id == 2
    assert names(store.people()) == ["Ada", "Carl"]
    assert [template.id for template in store.templates("Carl")] == [2]
    store.close()
