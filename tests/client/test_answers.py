from __future__ import annotations

import math

import httpx
import pytest
from tests.client.service_double import ADA, SIGHTING, VERIFICATION, Double, faces, says

from firstsight.errors import ServiceError
from firstsight.faces import Box
from firstsight.recognizer import Candidate


def test_identify_gives_every_face() -> None:
    stranger = SIGHTING | {"person": None, "person_id": None, "threshold": 0.8}
    alone = SIGHTING | {"person": None, "best": None, "runner_up": None, "similarity": None, "margin": None}
    poor = SIGHTING | {"runner_up": None, "quality": {"score": 0.2, "reasons": ["too blurred", "too dark"]}}
    service = Double([says(faces(SIGHTING, stranger, alone, poor))])
    known, unknown, first, blurred = service.client().identify(b"photo", fpir=0.003)
    (asked,) = service.asked
    assert asked.line == "POST /v1/identify"
    assert asked.params == {"fpir": "0.003", "limit": "50"}
    assert [(part.field, part.content) for part in asked.photos] == [("photo", b"photo")]
    assert known.person == "Ada"
    assert known.box == Box(10.5, 20.25, 100.0, 120.0)
    assert known.best == Candidate("Ada", 3, 0.71, 1234.5)
    assert known.runner_up == Candidate("Grace", 4, 0.1, 0.01)
    assert known.threshold == 0.36
    assert known.similarity == 0.71
    assert known.margin == pytest.approx(0.61)
    assert known.quality.ok
    assert known.quality.score == 0.9
    assert math.isnan(known.quality.measures.size)
    assert unknown.person is None
    assert unknown.best == known.best
    assert (first.person, first.best, first.similarity, first.margin) == (None, None, None, None)
    assert (blurred.runner_up, blurred.margin) == (None, None)
    assert blurred.quality.reasons == ("too blurred", "too dark")


def test_what_a_key_may_not_read_is_empty() -> None:
    """The service leaves out what is noted of people for a key that may only compare."""
    hidden = ADA | {"consent": None, "notes": None}
    (ada,) = Double([says({"people": [hidden], "next": None})]).client().people()
    assert (ada.consent, ada.notes) == ("", "")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<p>Welcome</p>"),
        httpx.Response(200, content=b"\xff\xfe\xfd"),
        httpx.Response(204),
        says([]),
        says("people"),
        says({"people": [ADA]}),
        says({"people": [ADA | {"created": "yesterday"}], "next": None}),
        says({"people": [ADA | {"id": None}], "next": None}),
        httpx.Response(200, content=b'{"people": [{"id": Infinity, "retain_until": null}], "next": null}'),
    ],
)
def test_an_answer_of_something_else(answer: httpx.Response) -> None:
    with pytest.raises(ServiceError, match=r"answered GET /v1/people with something else") as caught:
        Double([answer]).client().people()
    assert type(caught.value) is ServiceError


def test_nobody_is_named_against_the_service() -> None:
    wrong = SIGHTING | {"person": None, "person_id": None}
    with pytest.raises(ServiceError, match="something else"):
        Double([says(faces(wrong))]).client().identify(b"photo")
    with pytest.raises(ServiceError, match="something else"):
        Double([says(VERIFICATION | {"same": False})]).client().verify(b"left", b"right")


@pytest.mark.parametrize("passed", [True, False])
def test_the_service_decides_where_its_rounded_figures_are_equal(passed: bool) -> None:
    sighting = SIGHTING | {"person": "Ada" if passed else None, "threshold": 0.71}
    (seen,) = Double([says(faces(sighting))]).client().identify(b"photo")
    assert seen.person == ("Ada" if passed else None)
    assert seen.threshold == pytest.approx(0.71)
    verified = VERIFICATION | {"same": passed, "threshold": 0.71}
    assert Double([says(verified)]).client().verify(b"left", b"right").same is passed
