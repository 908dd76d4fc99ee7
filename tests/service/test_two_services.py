"""Two services on one gallery: what one does the other knows at once, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from tests.service.conftest import Served, serving
from tests.service.test_routes import JPEG, enroll

from firstsight.recognizer import Encoder
from firstsight.service import Settings, keys

People = dict[str, list[Path]]
EACH: Final = 12


@pytest.fixture
def two(tmp_path: Path, encoder: Encoder) -> Iterator[tuple[Served, Served]]:
    with (
        serving(tmp_path, encoder, Settings()) as one,
        serving(tmp_path, encoder, Settings(), made=one.secrets) as other,
    ):
        for served in (one, other):
            # The framework builds an app's routes at its first request, of routers that both apps share: one
            # after the other. Two apps in one process are the test's own; each service has a process.
            with served.http() as http:
                assert http.get("/v1/nothing").status_code == 404
        yield one, other


def names(http: httpx.Client, photo: Path) -> list[str | None]:
    faces: list[dict[str, Any]] = http.post("/v1/identify", content=photo.read_bytes(), headers=JPEG).json()[
        "faces"
    ]
    return [face["person"] for face in faces]


def test_who_is_enrolled_or_erased_by_one_is_so_for_the_other(
    two: tuple[Served, Served], people: People
) -> None:
    with two[0].http() as one, two[1].http() as other:
        for here, there, (name, photos) in zip(
            (one, other) * 2, (other, one) * 2, list(people.items())[:4], strict=True
        ):
            assert names(there, photos[1]) == [None]
            person = enroll(here, name, photos[0]).json()
            assert names(there, photos[1]) == [name]
            assert there.patch(f"/v1/people/{person['id']}", json={"name": f"{name} II"}).status_code == 200
            assert names(here, photos[1]) == [f"{name} II"]
            assert here.delete(f"/v1/people/{person['id']}").json()["cleared"]
            assert names(there, photos[1]) == [None]
            assert there.get(f"/v1/people/{person['id']}").status_code == 404


def test_a_key_that_one_revokes_opens_the_other_no_more(two: tuple[Served, Served]) -> None:
    with two[1].http("read") as other:
        assert other.get("/v1/me").status_code == 200
        keys.revoke(two[0].ledger, "the read key")
        assert other.get("/v1/me").status_code == 401


def test_who_enrols_through_both_loses_nothing(two: tuple[Served, Served], people: People) -> None:
    photos = [pictures[0] for pictures in people.values()]

    def enrolling(which: int) -> list[int]:
        with two[which % 2].http("write") as http:
            answers = [
                enroll(http, f"{which}-{number}", photos[number % len(photos)], force="true")
                for number in range(EACH)
            ]
            # And all of them to one person.
            answers += [enroll(http, "Everybody", photos[which % len(photos)], force="true")]
            return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(4) as pool:
        statuses = [status for found in pool.map(enrolling, range(4)) for status in found]
    assert set(statuses) == {201}
    for served in two:
        with served.http() as http:
            everybody = http.get("/v1/people", params={"limit": 500}).json()["people"]
            held = {one["name"]: one["templates"] for one in everybody}
            assert held == {f"{which}-{number}": 1 for which in range(4) for number in range(EACH)} | {
                "Everybody": 4
            }
            entries = http.get("/v1/audit", params={"limit": 500}).json()["entries"]
            assert sum(entry["decision"] == "enrolled" for entry in entries) == len(statuses)


def test_a_request_sent_to_both_is_done_once(two: tuple[Served, Served], people: People) -> None:
    photo = next(iter(people.values()))[0]

    def enrolling(number: int) -> tuple[int, Any]:
        with two[number % 2].http() as http:
            http.headers["Idempotency-Key"] = "one"
            answer = enroll(http, "Ada", photo)
            return answer.status_code, answer.json().get("id")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(enrolling, range(8)))
    assert {status for status, _ in found} <= {201, 503}
    assert {number for status, number in found if status == 201} == {1}
    with two[0].http() as http:
        assert http.get("/v1/model").json()["templates"] == 1
