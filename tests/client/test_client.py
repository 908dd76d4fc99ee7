from __future__ import annotations

import inspect
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from typing import get_args, get_type_hints
from uuid import UUID

import httpx
import pytest
from tests.client.service_double import (
    ADA,
    ADDRESS,
    KEY,
    RECEIPT,
    VERBS,
    VERIFICATION,
    Double,
    faces,
    says,
)

from firstsight.client import Client
from firstsight.errors import InvalidName, NoSuchPerson, ServiceError, ServiceUnavailable, UsageError
from firstsight.gallery import Person, Receipt
from firstsight.recognizer import Recognizer, Verification
from firstsight.service import Settings
from firstsight.service.routes.people import everybody

PERSON = Person(3, "Ada", datetime(2026, 11, 25, 10, tzinfo=UTC), "signed", date(2027, 1, 1), "", 2)


@pytest.mark.parametrize("verb", [*VERBS, "close", "__enter__", "__exit__"])
def test_code_moves_from_embedded_to_served(verb: str) -> None:
    embedded, served = (inspect.signature(getattr(kind, verb)) for kind in (Recognizer, Client))
    assert served == embedded


def test_enroll() -> None:
    service = Double([says(ADA, 201)])
    assert service.client().enroll("Ada", b"one", b"two") == PERSON
    (asked,) = service.asked
    assert asked.line == "POST /v1/enroll"
    assert asked.fields == {"name": "Ada"}
    assert [(part.field, part.content) for part in asked.photos] == [("photo", b"one"), ("photo", b"two")]
    assert UUID(asked.request.headers["Idempotency-Key"]).version == 4


def test_enroll_with_everything() -> None:
    service = Double([says(ADA, 201)])
    service.client().enroll(
        " Jose\u0301 ",
        b"one",
        consent="",
        retain_until=datetime(2027, 1, 1, 12, tzinfo=UTC),
        notes="met at \ud800",
        keep_crops=True,
        force=True,
        source="passport.png",
    )
    (asked,) = service.asked
    assert asked.fields == {
        "name": "Jos\u00e9",
        "consent": "",
        "retain_until": "2027-01-01",
        "notes": "met at \\ud800",
        "keep_crops": "true",
        "force": "true",
    }
    assert [part.name for part in asked.photos] == ["passport.png"]


def test_each_enrolment_is_one_of_its_own() -> None:
    service = Double([says(ADA, 201)])
    client = service.client()
    client.enroll("Ada", b"one")
    client.enroll("Ada", b"one")
    assert len({asked.request.headers["Idempotency-Key"] for asked in service.asked}) == 2


def test_what_cannot_be_enrolled_is_not_sent() -> None:
    service = Double([says(ADA, 201)])
    with pytest.raises(UsageError, match="No photo was given of Ada"):
        service.client().enroll("Ada")
    with pytest.raises(InvalidName):
        service.client().enroll(" ", b"one")
    assert service.asked == []


def test_the_usual_rates_are_the_recognizers() -> None:
    service = Double([says(faces()), says(VERIFICATION)])
    client = service.client()
    assert client.identify(b"photo") == []
    client.verify(b"left", b"right")
    assert [asked.params for asked in service.asked] == [{"fpir": "0.01", "limit": "50"}, {"fmr": "0.001"}]


def test_verify() -> None:
    service = Double([says(VERIFICATION | {"fmr": 0.0001})])
    answer = service.client().verify(b"left", b"right", fmr=0.0001)
    assert answer == Verification(0.71, 0.36, 0.0001, 1234.5)
    assert answer.same
    (asked,) = service.asked
    assert asked.line == "POST /v1/verify"
    assert asked.params == {"fmr": "0.0001"}
    assert [(part.field, part.content) for part in asked.photos] == [("left", b"left"), ("right", b"right")]


def test_people_follow_the_cursor_and_come_by_name() -> None:
    pages = [
        {"people": [ADA | {"name": "bob"}, ADA | {"name": "Zoe"}], "next": "a/b+c="},
        {"people": [], "next": "more"},
        {"people": [ADA | {"retain_until": None}], "next": None},
    ]
    service = Double([says(page) for page in pages])
    people = service.client().people()
    assert [person.name for person in people] == ["Ada", "bob", "Zoe"]
    assert people[0].retain_until is None
    assert [asked.line for asked in service.asked] == ["GET /v1/people"] * 3
    assert [asked.params.get("cursor") for asked in service.asked] == [None, "a/b+c=", "more"]


def test_an_answer_holds_as_many_as_the_service_gives() -> None:
    """Fewer would be more requests, more would be refused."""
    service = Double([says(faces()), says({"people": [ADA], "next": None})])
    client = service.client()
    client.identify(b"photo")
    client.people()
    hint = get_type_hints(everybody, include_extras=True)["limit"]
    (most,) = [rule.le for rule in get_args(hint)[1].metadata if hasattr(rule, "le")]
    # Of more faces the service refuses the photo.
    assert [asked.params["limit"] for asked in service.asked] == [str(Settings().faces), str(most)]


def test_pages_that_lead_in_a_circle_end() -> None:
    service = Double([says({"people": [ADA], "next": cursor}) for cursor in ("a", "b", "a")])
    with pytest.raises(ServiceError, match="without an end"):
        service.client().people()
    assert len(service.asked) == 3


def test_erase_finds_the_person() -> None:
    found = {"people": [ADA | {"id": 7, "name": "ada"}, ADA], "next": None}
    service = Double([says(found), says(RECEIPT | {"cleared": False})])
    receipt = service.client().erase(" Ada ")
    assert receipt == Receipt("Ada", 3, 2, 1, datetime(2026, 11, 25, 11, tzinfo=UTC), cleared=False)
    # Of a gallery of any size with two requests, and the name in no address.
    assert [asked.line for asked in service.asked] == ["POST /v1/people/search", "DELETE /v1/people/3"]
    assert json.loads(service.asked[0].content) == {"text": "Ada", "exact": True}


def test_nobody_else_is_erased() -> None:
    service = Double([says({"people": [ADA | {"name": "ADA"}], "next": None})])
    with pytest.raises(NoSuchPerson, match="Nobody called 'Ada'"):
        service.client().erase("Ada")
    assert [asked.line for asked in service.asked] == ["POST /v1/people/search"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_request_carries_the_key(verb: str) -> None:
    service = Double([says({"people": [ADA], "next": None}), says(RECEIPT)])
    if verb not in ("people", "erase"):
        service.answers = [says({"enroll": ADA, "identify": faces(), "verify": VERIFICATION}[verb])]
    VERBS[verb](service.client())
    assert {asked.request.headers["Authorization"] for asked in service.asked} == {f"Bearer {KEY}"}
    assert {asked.request.url.host for asked in service.asked} == {"faces.example"}


def test_a_closed_client_says_so() -> None:
    with Double([says({"people": [], "next": None})]).client() as client:
        assert client.people() == []
    client.close()
    with pytest.raises(ServiceUnavailable, match="was closed"):
        client.people()


def test_a_client_shows_its_address_only() -> None:
    client = Client(ADDRESS + "/", KEY, transport=httpx.MockTransport(lambda _: says({})))
    assert repr(client) == f"Client('{ADDRESS}')"


def test_without_httpx_one_hears_what_to_install() -> None:
    program = "import sys; sys.modules['httpx'] = None; import firstsight.client"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert 'pip install "firstsight[client]"' in ran.stderr.splitlines()[-1]
