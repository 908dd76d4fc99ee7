"""What an answer about faces holds while it waits."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest
from tests.service.conftest import Served
from tests.service.service_makers import add_person
from tests.service.test_routes import JPEG, error

from firstsight.errors import NotCalibrated
from firstsight.recognizer import Encoder
from firstsight.recognizer.encoder import FoundFaces

People = dict[str, list[Path]]


def test_while_the_search_waits_nobody_holds_the_picture(
    served: Served, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo of 50 million pixels has 150 MB of them, and many requests may wait for one gallery."""
    encoder, store = served.service.engine.encoder, served.recognizer.store
    find, search = type(encoder).find, store.search
    pictures: list[weakref.ref[Any]] = []
    alive: list[bool] = []

    def finding(self: Any, *photo: Any, **limits: Any) -> FoundFaces:
        found = find(self, *photo, **limits)
        # An owner of its own: the array may be a view of what is lent elsewhere.
        copy = FoundFaces(found.picture.copy(), found.faces, found.crops)
        pictures.append(weakref.ref(copy.picture))
        return copy

    def searching(*probes: Any) -> Any:
        gc.collect()
        alive.extend(picture() is not None for picture in pictures)
        return search(*probes)

    monkeypatch.setattr(type(encoder), "find", finding)
    monkeypatch.setattr(store, "search", searching)
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http("read") as http:
        answer = http.post("/v1/identify", content=photo, headers=JPEG).json()
    assert len(answer["faces"]) == 1
    assert answer["width"] > 0 < answer["height"]
    assert alive == [False]


@pytest.mark.parametrize(
    ("address", "fields", "refusal"),
    [
        ("/v1/verify", ["left"], "body_malformed"),
        ("/v1/verify", ["right"], "body_malformed"),
        ("/v1/verify?fmr=0", ["left", "right"], "not_calibrated"),
        ("/v1/identify?fpir=0", ["photo"], "not_calibrated"),
        ("/v1/identify?fpir=1e-12", ["photo"], "not_calibrated"),
    ],
)
def test_no_photo_is_looked_at_for_what_is_refused_anyway(
    served: Served,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    fields: list[str],
    refusal: str,
) -> None:
    looked: list[bytes] = []
    find = Encoder.find

    def finding(self: Encoder, photo: bytes, **limits: Any) -> FoundFaces:
        looked.append(photo)
        return find(self, photo, **limits)

    monkeypatch.setattr(Encoder, "find", finding)
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http("read") as http:
        assert error(http.post(address, files=dict.fromkeys(fields, photo))) == (422, refusal)
        assert looked == []
        # It is by this that one is looked at.
        assert http.post("/v1/identify", files={"photo": photo}).status_code == 200
    assert looked == [photo]


@pytest.mark.parametrize(
    ("address", "photos", "texts"),
    [
        ("/v1/identify", ["photo"], {"fpir": "1e-6"}),
        ("/v1/verify", ["left", "right"], {"fmr": "1e-6"}),
        ("/v1/people/1/photos", ["photo"], {"keep_crop": "true"}),
        ("/v1/enroll", ["photo"], {"name": "Bob", "consnet": "by mail"}),
        ("/v1/enroll", ["photo"], {"name": "Bob", "keep_crops": "maybe"}),
        ("/v1/detect", ["photo", "photos"], {}),
    ],
)
def test_a_field_that_would_be_passed_over_is_refused(
    served: Served, people: People, address: str, photos: list[str], texts: dict[str, str]
) -> None:
    """Whoever asks for a stricter rate, or notes a consent, must not get something else and a 200."""
    photo = next(iter(people.values()))[0].read_bytes()
    add_person(served.service, "Ada")
    with served.http("write") as http:
        answer = http.post(address, files=dict.fromkeys(photos, photo), data=texts)
    assert error(answer) == (422, "body_malformed")
    assert [person.name for person in served.recognizer.people()] == ["Ada"]


@pytest.mark.parametrize("rate", ["1.5", "-1", "nan", "inf"])
def test_a_rate_that_cannot_be_is_refused_as_by_the_library(
    served: Served, people: People, rate: str
) -> None:
    photo = next(iter(people.values()))[0]
    with served.http("read") as http:
        sides = {"left": photo.read_bytes(), "right": photo.read_bytes()}
        answers = [
            http.post(f"/v1/identify?fpir={rate}", content=photo.read_bytes(), headers=JPEG),
            http.post(f"/v1/verify?fmr={rate}", files=sides),
        ]
    assert [error(answer) for answer in answers] == [(422, "not_calibrated")] * 2
    for ask in (served.recognizer.identify, lambda one, fpir: served.recognizer.verify(one, one, fmr=fpir)):
        with pytest.raises(NotCalibrated):
            ask(photo, fpir=float(rate))


def test_what_is_asked_for_in_the_address_holds_for_a_form_as_well(served: Served, people: People) -> None:
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http("write") as http:
        asked = {"files": {"photo": photo}, "data": {"name": "Ada"}}
        number = http.post("/v1/enroll?keep_crops=true", **asked).json()["id"]  # type: ignore[arg-type]
        assert http.get(f"/v1/people/{number}").json()["photos"][0]["crop_kept"]


def test_the_threshold_is_that_of_the_gallery_that_was_searched(
    served: Served, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not of the smaller one that it was when the request came."""
    find = Encoder.find

    def meanwhile(self: Encoder, photo: bytes, **limits: Any) -> FoundFaces:
        found = find(self, photo, **limits)
        for number in range(20):
            add_person(served.service, "x" * (number + 1))
        return found

    monkeypatch.setattr(Encoder, "find", meanwhile)
    before = served.recognizer.threshold()
    photo = next(iter(people.values()))[0].read_bytes()
    with served.http("read") as http:
        answer = http.post("/v1/identify", content=photo, headers=JPEG).json()
    assert answer["templates"] == 20
    assert answer["faces"][0]["threshold"] == pytest.approx(served.recognizer.threshold())
    assert answer["faces"][0]["threshold"] > before
