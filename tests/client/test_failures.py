from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest
from tests.client.service_double import ADDRESS, KEY, VERBS, Double, envelope, says

from firstsight import errors
from firstsight.errors import FirstsightError, ServiceError
from firstsight.faces import Box


def every(kind: type[FirstsightError]) -> list[type[FirstsightError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in every(child))]


KINDS = [kind for kind in every(FirstsightError) if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_each_error_is_the_one_that_the_library_raises(kind: type[FirstsightError]) -> None:
    service = Double([says(envelope(kind.code), kind.http_status)])
    with pytest.raises(FirstsightError) as caught:
        service.client().identify(b"photo")
    assert type(caught.value) is kind
    assert caught.value.message == "It broke."
    assert caught.value.hint == "Mend it."


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_raises_them(verb: str) -> None:
    with pytest.raises(errors.GalleryLocked, match="It broke"):
        VERBS[verb](Double([says(envelope("gallery_locked"), 500)]).client())


def test_a_code_of_a_later_version() -> None:
    with pytest.raises(ServiceError) as caught:
        Double([says(envelope("no_such_camera"), 404)]).client().people()
    assert type(caught.value) is ServiceError
    assert caught.value.message == "It broke. (no_such_camera, request r-17)"
    assert caught.value.hint == "Mend it."


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ServiceError),
        (400, ServiceError),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, ServiceError),
        (413, errors.BodyTooLarge),
        (429, errors.RateLimited),
        (500, ServiceError),
        (502, errors.ServiceUnavailable),
        (503, errors.Overloaded),
        (504, errors.ServiceUnavailable),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<h1>Sorry</h1>", b"[]", b'"no"', b'{"error": "no"}', b'{"error": {}}', b'{"error": null}']
)
def test_the_answer_of_something_before_the_service(
    status: int, kind: type[ServiceError], body: bytes
) -> None:
    headers = {"Location": "https://elsewhere.example/"} if status == 301 else {}
    service = Double([httpx.Response(status, content=body, headers=headers)])
    with pytest.raises(ServiceError) as caught:
        service.client().people()
    assert type(caught.value) is kind
    assert caught.value.message == f"The service at {ADDRESS} answered with status {status} and no reason."
    assert caught.value.hint
    assert {asked.request.url.host for asked in service.asked} == {"faces.example"}


@pytest.mark.parametrize(
    ("told", "boxes"),
    [
        ({}, ()),
        ({"boxes": [{"left": 1, "top": 2.5, "width": 30, "height": 40}]}, (Box(1, 2.5, 30, 40),)),
        ({"boxes": None}, ()),
        ({"boxes": [{"left": 1}]}, ()),
    ],
    ids=["an earlier service", "told", "null", "half a box"],
)
def test_where_several_faces_are(told: dict[str, Any], boxes: tuple[Box, ...]) -> None:
    error = {"code": "several_faces", "message": "It broke.", "hint": "Mend it."} | told
    with pytest.raises(errors.SeveralFaces, match="It broke") as caught:
        Double([says({"error": error}, 422)]).client().identify(b"photo")
    assert caught.value.boxes == boxes


@pytest.mark.parametrize("hint", [None, ""])
def test_an_error_without_a_hint(hint: str | None) -> None:
    with pytest.raises(errors.NoFace) as caught:
        Double([says(envelope("no_face", hint=hint), 422)]).client().identify(b"photo")
    assert str(caught.value) == "It broke."


@pytest.mark.parametrize("code", ["unauthorized", "no_such_camera", KEY, None, 7, ["no_face"]])
def test_the_key_is_in_no_error(code: object) -> None:
    told = envelope(code, f"The key {KEY} is not known.", f"Is it {KEY}?")
    with pytest.raises(ServiceError) as caught:
        Double([says(told, 401)]).client().people()
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown + repr(caught.value) + str(caught.value)
    assert "is not known" in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("late"),
        httpx.Response(500),
        says({"people": 7}),
        httpx.Response(200, content=b"{"),
    ],
)
@pytest.mark.parametrize("verb", VERBS)
def test_the_key_is_in_no_traceback(verb: str, answer: httpx.Response | Exception) -> None:
    client = Double([answer]).client()
    with pytest.raises(ServiceError) as caught:
        VERBS[verb](client)
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown + repr(caught.value) + str(caught.value) + repr(client) + str(client)
