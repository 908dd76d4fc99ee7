"""What may be noted of a person, who is told of it, and all that is held of one."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import numpy as np
from tests.service.conftest import Served
from tests.service.test_routes import JPEG, enroll, error

People = dict[str, list[Path]]
PAST: Final = "2000-01-01"


def test_no_key_may_have_somebody_erased_by_a_day_that_has_passed(served: Served, people: People) -> None:
    """The sweep would erase them within the hour, for a `write` key or a slip of the keyboard."""
    photo = next(iter(people.values()))[0]
    yesterday = (datetime.now(UTC).date() - timedelta(1)).isoformat()
    with served.http("write") as http:
        assert enroll(http, "Ada", photo, retain_until="2099-12-31").status_code == 201
        for day in (PAST, yesterday):
            for refused in (
                http.patch("/v1/people/1", json={"retain_until": day}),
                http.post("/v1/people", json={"name": "Bob", "retain_until": day}),
                enroll(http, "Ada", photo, retain_until=day),
                enroll(http, "Bob", photo, retain_until=day),
            ):
                assert error(refused) == (422, "body_malformed")
                assert "before today" in refused.text
        (ada,) = http.get("/v1/people").json()["people"]
        assert (ada["retain_until"], ada["templates"]) == ("2099-12-31", 1)
        # Shortened to today they are there until its end.
        today = datetime.now(UTC).date().isoformat()
        shortened = http.patch("/v1/people/1", json={"retain_until": today})
        assert shortened.json()["retain_until"] == today


def test_what_is_noted_of_people_is_not_for_a_key_that_may_only_compare(served: Served) -> None:
    """Nor is it found by looking for it, which would tell it letter by letter."""
    served.recognizer.store.add("Ada", [], consent="signed", notes="in debt")
    with served.http("read") as door, served.http("write") as desk:

        def told(http: httpx.Client) -> list[tuple[object, object]]:
            exact = http.post("/v1/people/search", json={"text": "Ada", "exact": True}).json()
            part = http.post("/v1/people/search", json={"text": "ad"}).json()
            listed, shown = http.get("/v1/people").json(), http.get("/v1/people/1").json()
            found = [*listed["people"], *exact["people"], *part["people"], shown["person"]]
            return [(one["consent"], one["notes"]) for one in found]

        assert told(door) == [(None, None)] * 4
        assert told(desk) == [("signed", "in debt")] * 4
        for http, found in ((door, 0), (desk, 1)):
            answer = http.post("/v1/people/search", json={"text": "debt"})
            assert len(answer.json()["people"]) == found


def test_a_kept_picture_is_for_who_may_enrol_and_each_one_given_out_is_noted(
    served: Served, people: People
) -> None:
    photo = next(iter(people.values()))[0]
    with served.http("read") as door, served.http("write") as desk, served.http() as admin:
        enroll(desk, "Ada", photo, keep_crops="true")
        enroll(desk, "Bob", photo)
        assert error(door.get("/v1/photos/1/crop")) == (403, "forbidden")
        assert desk.get("/v1/photos/1/crop").headers["content-type"] == "image/png"
        assert error(desk.get("/v1/photos/2/crop")) == (404, "image_missing")
        entries = admin.get("/v1/audit").json()["entries"]
    crops = [one for one in entries if "crop" in one["action"]]
    assert [(one["role"], one["decision"], one["person_id"]) for one in crops] == [
        ("write", "shown", 1),
        ("read", "refused", None),
    ]


def test_an_export_holds_the_templates_themselves(served: Served, people: People) -> None:
    """They are data of a person like any other, and the docs say that all is told."""
    photos = next(iter(people.values()))
    with served.http() as http:
        enroll(http, "Ada", photos[0], keep_crops="true")
        enroll(http, "Ada", photos[1])
        told = http.get("/v1/people/1/export").json()
    held = served.recognizer.store.held(1)
    assert list(told["templates"]) == [str(photo.id) for photo, _ in held] == ["1", "2"]
    for (_, kept), written in zip(held, told["templates"].values(), strict=True):
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(written), "<f4"), kept.embedding)
    model = served.recognizer.encoder.model
    assert (told["model"]["digest"], told["model"]["dimension"]) == (model.digest, model.dimension)
    assert [one["id"] for one in told["photos"]] == [1, 2]
    assert base64.b64decode(told["crops"]["1"]).startswith(b"\x89PNG")
    assert list(told["crops"]) == ["1"]


def test_the_same_photo_of_a_person_twice_is_there_once(served: Served, people: People) -> None:
    first, other = list(people.values())[:2]
    sent = {"content": first[0].read_bytes(), "headers": {**JPEG, "Idempotency-Key": "one"}}
    for name in ("Ada", "Bob"):
        served.recognizer.store.add(name, [])
    with served.http() as http:
        answers = [http.post("/v1/people/1/photos", **sent) for _ in range(2)]  # type: ignore[arg-type]
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert len(answers[1].json()["photos"]) == 1
        for path, content in (
            ("/v1/people/2/photos", first[0]),
            ("/v1/people/1/photos", other[0]),
            ("/v1/people/1/photos?keep_crops=true", first[0]),
        ):
            refused = http.post(path, **sent | {"content": content.read_bytes()})  # type: ignore[arg-type]
            assert error(refused) == (400, "usage"), path
        failed = http.post("/v1/people/2/photos", content=b"x", headers={**JPEG, "Idempotency-Key": "two"})
        assert error(failed) == (415, "image_unreadable")
        again = http.post("/v1/people/2/photos", **sent | {"headers": {**JPEG, "Idempotency-Key": "two"}})  # type: ignore[arg-type]
        assert again.status_code == 201
