"""Imports over HTTP: sent twice, of somebody who was erased since, and ended in the middle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.service.conftest import Served
from tests.service.service_makers import DESK, held_add, service_over, until, zipped
from tests.service.test_routes import finished

from firstsight.recognizer import Encoder, Recognizer
from firstsight.service import audit
from firstsight.service.bodies import Part
from firstsight.service.enrolling import Wanted, enrol
from firstsight.service.ledger import Ledger

People = dict[str, list[Path]]


def send(http: httpx.Client, content: bytes) -> dict[str, Any]:
    answer = http.post("/v1/enroll", content=content, headers={"Content-Type": "application/zip"})
    assert answer.status_code == 202
    return dict(answer.json())


def test_the_same_import_twice_at_once_enrols_each_photo_once(served: Served, people: People) -> None:
    few = dict(list(people.items())[:4])
    content = zipped({f"{name}/1.jpg": photos[0].read_bytes() for name, photos in few.items()})
    with served.http() as http:
        for job in [send(http, content) for _ in range(3)]:
            assert finished(http, job)["state"] == "done"
    found = {person.name: person.templates for person in served.recognizer.store.people()}
    assert found == dict.fromkeys(few, 1)


def test_who_was_erased_is_not_named_by_their_import(served: Served, people: People) -> None:
    """Neither by a photo of theirs that was refused, and by one that was there already."""
    (ada, bob, *_) = people.values()
    files = {"Ada/0.jpg": b"no picture", "Ada/1.jpg": ada[0].read_bytes(), "Bob/1.jpg": bob[0].read_bytes()}
    with served.http() as http:
        jobs = [finished(http, send(http, zipped(files))) for _ in range(2)]
        assert [one["person_id"] for one in jobs[1]["outcomes"]] == [1, 1, 2]
        assert http.delete("/v1/people/1").status_code == 200
        for job in jobs:
            text = http.get(f"/v1/jobs/{job['id']}").text
            assert "Ada" not in text
            assert "Bob/1.jpg" in text


def test_a_change_is_noted_before_who_gave_up_hears_of_it(
    encoder: Encoder, ledger: Ledger, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends the service closes the files next."""
    recognizer = Recognizer(tmp_path / "people.db", model=encoder)
    service = service_over(recognizer, ledger)
    begun, go = held_add(service, monkeypatch)

    async def whole() -> None:
        wanted = Wanted(name="Ada", photos=[Part("1.jpg", people["Amara"][0].read_bytes())])
        asked = asyncio.create_task(enrol(service, DESK, wanted))
        await until(begun.is_set)
        asked.cancel()
        asyncio.get_running_loop().call_later(0.05, go.set)
        await asyncio.wait([asked])
        assert asked.cancelled()
        assert [entry.decision for entry in audit.page(service.ledger, None, 10)] == ["enrolled"]

    with recognizer:
        asyncio.run(whole())
