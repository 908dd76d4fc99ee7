"""Killed under load, the service loses nothing that it acknowledged, and leaves nothing half."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from firstsight.service import keys
from firstsight.service.ledger import Ledger, ledger_path

People = dict[str, list[Path]]
THREADS: Final = 4
ENOUGH: Final = 12
"""Enrolments that are acknowledged before it is killed."""
HALF: Final = "SELECT name FROM person WHERE id NOT IN (SELECT person_id FROM template)"
PATIENCE: Final = 120.0
"""Seconds after which a test gives up."""


@contextmanager
def started(gallery: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves a gallery, and its address."""
    command = [sys.executable, "-m", "firstsight", "serve", "--gallery", str(gallery), "--port", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    try:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield process, found.group(0)
                return
        raise AssertionError("".join(said))
    finally:
        watch.cancel()
        process.kill()
        process.communicate()


def enrol(http: httpx.Client, name: str, photo: Path, token: str) -> httpx.Response:
    return http.post(
        "/v1/enroll",
        data={"name": name, "force": "true"},
        files={"photo": (photo.name, photo.read_bytes(), "image/jpeg")},
        headers={"Idempotency-Key": token},
    )


def test_killed_while_several_enrol(tmp_path: Path, people: People) -> None:
    gallery = tmp_path / "people.db"
    with closing(Ledger(ledger_path(gallery))) as ledger:
        headers = {"Authorization": f"Bearer {keys.create(ledger, 'desk', 'admin')}"}
    photos = [pictures[0] for pictures in people.values()]
    acknowledged: dict[str, dict[str, Any]] = {}
    sent: set[str] = set()
    enough = threading.Event()

    def enrolling(thread: int, address: str) -> None:
        with httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as http:
            for number in range(1000):
                name = f"{thread}-{number}"
                sent.add(name)
                try:
                    answer = enrol(http, name, photos[number % len(photos)], name)
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                acknowledged[name] = answer.json()
                if len(acknowledged) >= ENOUGH:
                    enough.set()

    with started(gallery) as (process, address):
        threads = [threading.Thread(target=enrolling, args=(one, address)) for one in range(THREADS)]
        for thread in threads:
            thread.start()
        # Whatever somebody else can read now, a kill now would leave behind.
        seen = half(gallery, enough)
        process.kill()
        for thread in threads:
            thread.join(PATIENCE)
    assert seen == set()
    assert len(sent) > len(acknowledged) >= ENOUGH  # some were in work
    whole(gallery)
    whole(ledger_path(gallery))

    with (
        started(gallery) as (_, address),
        httpx.Client(base_url=address, headers=headers, timeout=PATIENCE) as http,
    ):
        everybody = http.get("/v1/people", params={"limit": 500}).json()["people"]
        found = {one["name"]: one for one in everybody}
        # One more for each thread may have been written without its having heard of it.
        assert acknowledged.keys() <= found.keys() <= sent
        assert len(found) <= len(acknowledged) + THREADS
        for name, person in found.items():
            assert person["templates"] == 1, name
            shown = http.get(f"/v1/people/{person['id']}").json()
            assert len(shown["photos"]) == 1, name
        for name, answered in acknowledged.items():
            assert found[name] == answered
            again = enrol(http, name, photos[of(name) % len(photos)], name)
            assert (again.status_code, again.json()) == (201, answered)
        # The same keys for something else are still refused: they are remembered, not just unused.
        name = next(iter(acknowledged))
        assert enrol(http, "somebody else", photos[0], name).status_code == 400
        # Whose answer was lost can send it again, and is enrolled.
        for name in sent - acknowledged.keys():
            assert enrol(http, name, photos[of(name) % len(photos)], name).status_code == 201
        model = http.get("/v1/model").json()
        assert model["people"] == len(sent)
        seen = http.post(
            "/v1/identify", content=photos[0].read_bytes(), headers={"Content-Type": "image/jpeg"}
        ).json()
        assert seen["faces"][0]["best"]["similarity"] > 0.99


def of(name: str) -> int:
    """Which of its thread's enrolments it was."""
    return int(name.partition("-")[2])


def half(gallery: Path, enough: threading.Event) -> set[str]:
    """Who was ever there without a photo, until it is enough."""
    until, found = time.monotonic() + PATIENCE, set()
    with closing(sqlite3.connect(gallery, timeout=PATIENCE)) as database:
        while not enough.is_set():
            assert time.monotonic() < until
            found |= set(database.execute(HALF))
    return {name for (name,) in found}


def whole(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
