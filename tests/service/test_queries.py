"""What stands in an address: what nobody asked for is not passed over."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from tests.service.conftest import Served
from tests.service.test_routes import JPEG, error

People = dict[str, list[Path]]


def test_what_an_address_does_not_take_is_refused(served: Served, people: People) -> None:
    """In silence consent would be lost, and a rate with a slip in its name be another one."""
    photo = next(iter(people.values()))[0].read_bytes()
    served.recognizer.store.add("Ada", [])
    with served.http() as http:
        form = {"data": {"name": "Ada"}, "files": {"photo": photo}}
        bare = {"content": photo, "headers": JPEG}
        cases = [
            (http.post("/v1/enroll?consent=signed&retain_until=2099-12-31", **form), "consent", "keep_crops"),  # type: ignore[arg-type]
            (http.post("/v1/enroll?name=Ada", **form), "name", "force"),  # type: ignore[arg-type]
            (http.post("/v1/identify?fpr=0.00001", **bare), "fpr", "fpir"),  # type: ignore[arg-type]
            (http.post("/v1/people/1/photos?keepcrops=true", **bare), "keepcrops", "keep_crops"),  # type: ignore[arg-type]
            (http.get("/v1/people?page=2"), "page", "cursor"),
            (http.get("/v1/people?limit=1&x"), "x", "limit"),
            (http.get("/v1/me?x="), "x", "nothing"),
            (http.delete("/v1/people/1?yes=1"), "yes", "nothing"),
            (http.get("/metrics?x=1"), "x", "nothing"),
        ]
        for answer, unknown, known in cases:
            assert error(answer) == (422, "body_malformed"), answer.request.url
            told = answer.json()["error"]
            assert repr(unknown) in told["message"]
            assert known in told["hint"]
    assert [one.templates for one in served.recognizer.people()] == [0]


def test_who_has_no_key_is_told_of_that_alone(served: Served) -> None:
    assert error(httpx.get(f"{served.url}/v1/people?page=2")) == (401, "unauthorized")
    with served.http("read") as http:
        assert error(http.get("/v1/audit?page=2")) == (403, "forbidden")


@pytest.mark.parametrize("name", ["keep_crops", "keep_crop"])
def test_a_picture_is_kept_by_the_name_of_enrolment_and_by_the_old_one(
    served: Served, people: People, name: str
) -> None:
    photo = next(iter(people.values()))[0].read_bytes()
    served.recognizer.store.add("Ada", [])
    with served.http() as http:
        answer = http.post(f"/v1/people/1/photos?{name}=true", content=photo, headers=JPEG)
    assert [one["crop_kept"] for one in answer.json()["photos"]] == [True]


@pytest.mark.parametrize("cursor", ["zzz", "0", "-1", "01", "1.0", "٣", "1\n", str(2**63), "1" * 19])
def test_a_cursor_that_is_none_of_ours(served: Served, cursor: str) -> None:
    """Begun anew, a list that is read by such a cursor would have no end."""
    with served.http() as http:
        for answer in (
            http.get("/v1/people", params={"cursor": cursor}),
            http.get("/v1/audit", params={"cursor": cursor}),
            http.post("/v1/people/search", json={"text": "a", "cursor": cursor}),
        ):
            assert error(answer) == (422, "body_malformed")
            assert "cursor" in answer.text
        assert http.get("/v1/people", params={"cursor": "1" * 18}).json() == {"people": [], "next": None}
        assert http.get("/v1/people", params={"cursor": ""}).status_code == 200
