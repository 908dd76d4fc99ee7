"""Killed at any moment, a gallery loses nothing that was acknowledged, and holds nothing half."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import numpy as np
from tests.gallery import gallery_workers
from tests.gallery.gallery_makers import CONTRACT, photos, raw

from firstsight.gallery import open_store

ROUNDS = 8


def killed(role: str, path: Path, prefix: str, seconds: float) -> list[str]:
    """What a worker acknowledged before it was killed, some time after the first of it."""
    with gallery_workers.start(role, path, prefix, *[""] * (role == "enrol")) as worker:
        assert worker.stdout
        lines = [worker.stdout.readline()]
        time.sleep(seconds)
        worker.kill()
        lines += worker.stdout.readlines()
    # The last line may have been cut off; it was not acknowledged then.
    return [line.rstrip("\n") for line in lines if line.endswith("\n")]


def test_killed_while_enrolling(path: Path) -> None:
    delays = np.random.default_rng(0).uniform(0, 0.05, ROUNDS)
    acknowledged: list[str] = []
    for number, seconds in enumerate(delays.tolist()):
        acknowledged += killed("enrol", path, f"round{number}", seconds)
        check = sqlite3.connect(path)
        assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert check.execute("PRAGMA foreign_key_check").fetchall() == []
        check.close()
        store = open_store(path, CONTRACT)
        people = {person.name: person for person in store.people()}
        assert set(acknowledged) <= people.keys()
        # One more in each round may have been written without our having heard of it.
        assert len(people) <= len(acknowledged) + number + 1
        for person in people.values():
            assert person.templates == gallery_workers.PHOTOS
            assert person.notes == f"of {person.name}"
        crops = [crop.crop for crop in store.crops()]
        assert None not in crops
        assert len(crops) == store.count_templates() == gallery_workers.PHOTOS * len(people)
        store.close()
    assert len(acknowledged) >= ROUNDS


def test_killed_while_erasing(path: Path) -> None:
    delays = np.random.default_rng(1).uniform(0, 0.05, ROUNDS)
    for number, seconds in enumerate(delays.tolist()):
        erased = killed("enrol-and-erase", path, f"round{number}", seconds)
        store = open_store(path, CONTRACT)  # which clears what the killed one had no time to
        left = {person.name for person in store.people()}
        files = raw(path)
        store.close()
        assert erased
        assert not left & set(erased)
        # Also who was erased without our having heard of it.
        everybody = {f"round{number}-{each:05}" for each in range(2 * len(erased) + 3)}
        assert {name for name in everybody if name.encode() in files} == left & everybody


def test_nothing_is_left_of_a_change_that_was_never_made(path: Path) -> None:
    open_store(path, CONTRACT).close()
    with gallery_workers.start("begin", path, "Ada Lovelace") as worker:
        assert worker.stdout
        assert worker.stdout.readline() == "begun\n"
        worker.kill()
    assert b"Ada Lovelace" in raw(path)
    store = open_store(path, CONTRACT)
    assert b"Ada Lovelace" not in raw(path)
    assert store.people() == []
    store.add("Bob", photos(1, 1))
    store.close()
