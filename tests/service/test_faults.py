from __future__ import annotations

import sqlite3

import httpx
import pytest
from tests.service.conftest import Served
from tests.service.test_routes import error

from firstsight.errors import (
    FirstsightError,
    GalleryBusy,
    GalleryCorrupt,
    GalleryLocked,
    GalleryMissing,
    GalleryTooNew,
    GalleryUnavailable,
    ModelMismatch,
)
from firstsight.service import faults


class Odd(Exception):
    pass


def broken(name: str) -> None:
    try:
        raise ValueError(f"{name} cannot be")
    except ValueError as error:
        raise Odd(name) from error


def test_kinds_and_places_in_order_without_what_was_said() -> None:
    name = "Zebediah"
    with pytest.raises(Odd) as caught:
        broken(name)
    told = faults.told(caught.value)
    assert name not in told
    assert told.index("builtins.ValueError") < told.index(f"{Odd.__module__}.Odd")
    assert "in broken" in told
    assert "raise Odd(name)" in told


def test_what_was_hidden_stays_hidden_and_circles_end() -> None:
    try:
        try:
            raise KeyError("x")
        except KeyError:
            raise Odd from None
    except Odd as error:
        assert "KeyError" not in faults.told(error)
        error.__cause__ = error
        assert faults.told(error).count(f"{Odd.__module__}.Odd") == 1


def test_a_ledger_that_fails_tells_nobody_where_it_lies(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """Least of all who has no key."""
    served.ledger.close()
    answer = httpx.get(served.url + "/v1/people", headers={"Authorization": "Bearer fs_guess"})
    assert error(answer) == (503, "gallery_unavailable")
    assert str(served.folder) not in answer.text
    assert ".service" not in answer.text
    assert "closed" not in answer.text
    assert f"request {answer.headers['x-request-id']}: gallery_unavailable" in caplog.text
    assert "sqlite3.ProgrammingError" in caplog.text


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (GalleryUnavailable, 503),
        (GalleryMissing, 503),
        (GalleryBusy, 503),
        (GalleryCorrupt, 500),
        (GalleryTooNew, 500),
        (GalleryLocked, 500),
        (ModelMismatch, 409),
    ],
)
def test_a_gallery_that_fails_keeps_its_own_words_back(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[FirstsightError],
    status: int,
) -> None:
    name, place = "Zebediah", "/srv/faces/people.db"

    def fails() -> int:
        try:
            raise sqlite3.OperationalError(f"disk of {name}")
        except sqlite3.OperationalError as reason:
            reason.sqlite_errorname = "SQLITE_FULL"
            raise kind(f"{place} is in the way of {name}", hint=f"Look at {place}.") from reason

    monkeypatch.setattr(served.recognizer.store, "count_people", fails)
    with served.http("read") as http:
        answer = http.get("/v1/model")
    assert error(answer) == (status, kind.code)
    assert place not in answer.text
    assert name not in answer.text + caplog.text
    assert answer.headers["x-request-id"] in answer.json()["error"]["hint"]
    assert f"{kind.code} SQLITE_FULL" in caplog.text
    assert (status == 503) == ("retry-after" in answer.headers)
