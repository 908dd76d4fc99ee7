from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from tests.client.service_double import (
    ADA,
    ADDRESS,
    KEY,
    VERBS,
    Double,
    busy,
    says,
)

from firstsight.client import Client
from firstsight.errors import Overloaded, RateLimited, ServiceError, ServiceUnavailable, UsageError

NOBODY: dict[str, object] = {"people": [], "next": None}


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again(status: int) -> None:
    service = Double([busy("2", status), busy("0", status), says(NOBODY)])
    assert service.client().people() == []
    assert service.slept == [2, 0]


def test_without_a_time_the_waits_grow() -> None:
    service = Double([busy(), busy("soon"), busy("-1"), says(NOBODY)])
    service.client().people()
    assert service.slept == [0.5, 1, 2]


def test_the_waits_may_be_moments() -> None:
    now = datetime.now(UTC)
    dates = [format_datetime(now + timedelta(seconds=ahead), usegmt=True) for ahead in (10, -3600)]
    service = Double([*map(busy, dates), says(NOBODY)])
    service.client().people()
    assert 5 < service.slept[0] <= 10
    assert service.slept[1] == 0


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, Overloaded)])
def test_in_the_end_one_hears_of_it(status: int, error: type[ServiceError]) -> None:
    service = Double([busy("1", status)])
    with pytest.raises(error, match="It broke") as caught:
        service.client().people()
    assert caught.value.retry_after == 1
    assert len(service.asked) == 4
    assert service.slept == [1, 1, 1]


@pytest.mark.parametrize("wait", ["31", "9" * 400, "Fri, 01 Jan 2999 00:00:00 GMT"])
def test_nobody_waits_for_ever(wait: str) -> None:
    service = Double([busy(wait)])
    with pytest.raises(Overloaded) as caught:
        service.client().people()
    assert (caught.value.retry_after or 0) > 30
    assert len(service.asked) == 1
    assert service.slept == []


@pytest.mark.parametrize("status", [400, 404, 500, 502])
def test_other_errors_are_not_asked_again(status: int) -> None:
    service = Double([says({}, status)])
    with pytest.raises(ServiceError):
        service.client().people()
    assert len(service.asked) == 1


def test_an_enrolment_asked_again_is_the_same_to_the_byte() -> None:
    service = Double([busy(), busy(), says(ADA, 201)])
    service.client().enroll("Ada", b"one")
    assert len({asked.content for asked in service.asked}) == 1
    assert len({asked.request.headers["Idempotency-Key"] for asked in service.asked}) == 1
    assert len({asked.request.headers["Content-Type"] for asked in service.asked}) == 1


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectError("Connection refused"), "cannot be reached (Connection refused)"),
        (httpx.ReadError(""), "cannot be reached (ReadError)"),
        (httpx.RemoteProtocolError("disconnected"), "cannot be reached (disconnected)"),
        (httpx.DecodingError("no gzip"), "cannot be reached (no gzip)"),
        (httpx.ConnectTimeout("timed out"), "did not answer within 30 s"),
        (httpx.ReadTimeout("timed out"), "did not answer within 30 s"),
    ],
)
def test_a_service_out_of_reach(verb: str, error: Exception, said: str) -> None:
    service = Double([error])
    with pytest.raises(ServiceUnavailable) as caught:
        VERBS[verb](service.client())
    assert caught.value.message == f"The service at {ADDRESS} {said}."
    assert caught.value.hint
    assert len(service.asked) == 1


def test_a_failure_while_asking_again() -> None:
    service = Double([busy(), httpx.ConnectError("refused")])
    with pytest.raises(ServiceUnavailable):
        service.client().people()
    assert len(service.asked) == 2


def test_the_time_to_wait_is_the_callers() -> None:
    service = Double([httpx.ReadTimeout("")])
    transport = httpx.MockTransport(service.answer)
    with pytest.raises(ServiceUnavailable, match=r"within 0\.5 s"):
        Client(ADDRESS, KEY, 0.5, transport).people()
    assert set(service.asked[0].request.extensions["timeout"].values()) == {0.5}
    with pytest.raises(ServiceUnavailable, match="in time"):
        Client(ADDRESS, KEY, None, transport).people()


@pytest.mark.parametrize("path", ["/faces", "/faces/"])
def test_an_address_may_have_a_path(path: str) -> None:
    service = Double([says(NOBODY)])
    service.client(ADDRESS + path).people()
    assert service.asked[0].line == "GET /faces/v1/people"


@pytest.mark.parametrize(
    "url",
    ["", "faces.example", "ftp://faces.example", "https://", "http://h:x", f"{ADDRESS}?a=b", f"{ADDRESS}#a"],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="not the address of a service") as caught:
        Client(url, KEY)
    assert caught.value.hint


@pytest.mark.parametrize("url", [KEY, f"{ADDRESS}?key={KEY}", f"{ADDRESS}#{KEY}", f"https://a:{KEY}"])
def test_a_key_in_the_wrong_place_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Client(url, ADDRESS)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        Client("https://ada:hunter2@faces.example", KEY)
    assert "faces.example" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "two words", "line\nbreak", "schl\u00fcssel", "nul\0"])
def test_what_is_no_key_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        Client(ADDRESS, key)
    assert not key.strip() or key not in repr(caught.value) + str(caught.value)


def test_a_key_read_from_a_file() -> None:
    service = Double([says(NOBODY)])
    service.client(key=f"{KEY}\n").people()
    assert service.asked[0].request.headers["Authorization"] == f"Bearer {KEY}"
