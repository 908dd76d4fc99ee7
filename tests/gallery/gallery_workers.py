"""Processes that use a gallery at the same time as the tests, or are killed by them.

Run as ``python gallery_workers.py ROLE PATH ...``; each prints one line when something is
acknowledged.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.gallery.gallery_makers import CONTRACT, photos, units

import firstsight
from firstsight.gallery import Store, open_store

PHOTOS = 3
"""Of each person whom a worker enrols."""


def environment() -> dict[str, str]:
    """One in which the package and these modules are found."""
    folders = [Path(firstsight.__file__).parents[1], Path(__file__).parents[2]]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "OPENBLAS_NUM_THREADS": "1",
    }


def start(role: str, path: Path, *arguments: str) -> subprocess.Popen[str]:
    """A worker, whose lines can be read from its ``stdout``."""
    return subprocess.Popen(
        [sys.executable, __file__, role, str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )


def enrol(store: Store, prefix: str, people: str) -> None:
    """Enrol people; without a number, until killed."""
    for number in range(int(people)) if people else count():
        name = f"{prefix}-{number}"
        store.add(name, photos(PHOTOS, number, b"crop of " + name.encode()), notes=f"of {name}")
        say(name)


def enrol_and_erase(store: Store, prefix: str) -> None:
    """Enrol people and erase each second one, until killed."""
    for number in count():
        name = f"{prefix}-{number:05}"
        store.add(name, photos(PHOTOS, number), notes=f"note of {name}")
        if number % 2:
            store.erase(name)
            say(name)


def look(store: Store, searches: str) -> None:
    """Search again and again: people come whole, and never go."""
    seen = 0
    for _ in range(int(searches)):
        matches = store.search(units(1, 0), 10_000)[0]
        people = store.people()
        assert seen <= len(matches) <= len(people)
        assert all(person.templates == PHOTOS for person in people)
        seen = len(matches)
    say(str(seen))


def begin(store: Store, name: str) -> None:
    """Enrol somebody until killed, in a transaction so large that its beginning is in the log."""
    from firstsight.gallery.sqlite import SqliteStore

    assert isinstance(store, SqliteStore)
    with store._connection.writing() as database:
        database.execute("PRAGMA cache_size = 10")
        database.execute(
            "INSERT INTO person (name, created, notes) VALUES (?, '', ?)", (name, f"{name}. " * 10**5)
        )
        say("begun")
        sys.stdin.read()


def hold(store: Store) -> None:
    """Hold the gallery's lock until killed."""
    from firstsight.gallery.sqlite import SqliteStore

    assert isinstance(store, SqliteStore)
    with store._connection.writing():
        say("held")
        sys.stdin.read()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


ROLES: dict[str, Callable[..., None]] = {
    "enrol": enrol,
    "enrol-and-erase": enrol_and_erase,
    "begin": begin,
    "look": look,
    "hold": hold,
}

if __name__ == "__main__":
    role, path, *arguments = sys.argv[1:]
    ROLES[role](open_store(path, CONTRACT), *arguments)
