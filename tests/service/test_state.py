"""Changes and their lines in the audit log, also of a log that fails."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.service.conftest import Served
from tests.service.test_routes import JPEG, enroll, error

from firstsight.client import Client
from firstsight.errors import ChangeUncertain, GalleryBusy, NoSuchPerson, PoorQuality
from firstsight.gallery.postgres.address import read_address
from firstsight.gallery.postgres.failures import unknown_end
from firstsight.service import audit

People = dict[str, list[Path]]
Request = Callable[[httpx.Client, Path], httpx.Response]
FULL = "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
STUCK = "CREATE TRIGGER stuck BEFORE DELETE ON answered BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
CHANGES: dict[str, tuple[str, Request]] = {
    "enroll": ("add", lambda http, photo: enroll(http, "Cyd", photo)),
    "photo": (
        "add",
        lambda http, photo: http.post("/v1/people/1/photos", content=photo.read_bytes(), headers=JPEG),
    ),
    "add": ("add", lambda http, _: http.post("/v1/people", json={"name": "Cyd"})),
    "rename": ("rename", lambda http, _: http.patch("/v1/people/1", json={"name": "Cyd"})),
    "annotate": ("annotate", lambda http, _: http.patch("/v1/people/1", json={"notes": "tall"})),
    "merge": ("merge", lambda http, _: http.post("/v1/people/1/merge", json={"into": 2})),
    "erase": ("erase", lambda http, _: http.delete("/v1/people/1")),
    "move": ("move_template", lambda http, _: http.post("/v1/photos/1/move", json={"to": "Bob"})),
    "remove": ("remove_template", lambda http, _: http.delete("/v1/photos/1")),
}


@pytest.fixture
def two_people(served: Served, people: People) -> Iterator[Served]:
    """Ada, who is 1 and has the photo 1, and Bob, who is 2."""
    with served.http() as http:
        for name, photos in zip(("Ada", "Bob"), people.values(), strict=False):
            assert enroll(http, name, photos[0]).status_code == 201
    yield served


@pytest.fixture
def photo(people: People) -> Path:
    return list(people.values())[2][0]


def fail(served: Served) -> None:
    """From now on the log takes no line."""
    with closing(sqlite3.connect(served.ledger.path, isolation_level=None)) as database:
        database.execute(FULL)


def state(served: Served) -> Any:
    store = served.recognizer.store
    return store.people(), [store.templates(one.id) for one in store.people()]


@pytest.mark.parametrize(("verb", "request_"), CHANGES.values(), ids=CHANGES)
def test_a_change_that_cannot_be_noted_is_not_made(
    two_people: Served, photo: Path, verb: str, request_: Request
) -> None:
    before = state(two_people)
    fail(two_people)
    with two_people.http() as http:
        assert error(request_(http, photo)) == (503, "gallery_unavailable")
    assert state(two_people) == before


@pytest.mark.parametrize(("verb", "request_"), CHANGES.values(), ids=CHANGES)
def test_a_change_that_stands_is_answered_so_though_the_log_fails_after_it(
    two_people: Served,
    photo: Path,
    verb: str,
    request_: Request,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Told of a failure, who asked would do it again: enrol twice, or erase who is gone."""
    before = state(two_people)
    store = two_people.recognizer.store
    change = getattr(store, verb)

    def changed(*who: Any, **noted: Any) -> Any:
        found = change(*who, **noted)
        fail(two_people)
        return found

    monkeypatch.setattr(store, verb, changed)
    with two_people.http() as http:
        assert request_(http, photo).status_code in (200, 201)
    assert state(two_people) != before
    assert "not in the audit log: key 3, " in caplog.text
    assert "sqlite3.IntegrityError" in caplog.text
    assert not any(name in caplog.text for name in ("Ada", "Bob", "Cyd"))


def test_who_sends_again_what_was_answered_so_enrols_nobody_twice(
    two_people: Served, photo: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the file took neither the line nor the answer."""
    store = two_people.recognizer.store
    add = store.add

    def added(*who: Any, **noted: Any) -> Any:
        found = add(*who, **noted)
        with closing(sqlite3.connect(two_people.ledger.path, isolation_level=None)) as database:
            database.execute(FULL)
            database.execute(FULL.replace("full", "shut", 1).replace("audit", "answered"))
        return found

    monkeypatch.setattr(store, "add", added)
    with two_people.http() as http:
        http.headers["Idempotency-Key"] = "one"
        assert enroll(http, "Cyd", photo).status_code == 201
        assert enroll(http, "Cyd", photo).status_code == 503
        assert store.person("Cyd").templates == 1
        assert "an answer is not remembered: key 3" in caplog.text
        # Once the file takes it, the answer is there: who asked need not wait until it is forgotten.
        open_again(two_people)
        for _ in range(2):
            answer = enroll(http, "Cyd", photo)
            assert (answer.status_code, answer.json()["name"]) == (201, "Cyd")
    assert store.person("Cyd").templates == 1
    assert two_people.service.late == {}


def test_what_was_refused_may_be_sent_again_though_the_file_failed_just_then(
    two_people: Served, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token is free again as soon as the file can be written, and until then it says why not."""
    store = two_people.recognizer.store
    add = store.add

    def refused(*who: Any, **noted: Any) -> Any:
        with closing(sqlite3.connect(two_people.ledger.path, isolation_level=None)) as database:
            database.execute(STUCK)
        raise PoorQuality("The photo is too dark.")

    monkeypatch.setattr(store, "add", refused)
    with two_people.http() as http:
        http.headers["Idempotency-Key"] = "one"
        assert error(enroll(http, "Cyd", photo)) == (422, "poor_quality")
        monkeypatch.setattr(store, "add", add)
        assert error(enroll(http, "Cyd", photo)) == (503, "gallery_unavailable")
        open_again(two_people)
        assert enroll(http, "Cyd", photo).status_code == 201
    assert store.person("Cyd").templates == 1


def open_again(served: Served) -> None:
    """Let the service's file take everything again."""
    with closing(sqlite3.connect(served.ledger.path, isolation_level=None)) as database:
        for trigger in ("full", "shut", "stuck"):
            database.execute(f"DROP TRIGGER IF EXISTS {trigger}")


def lose(served: Served, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """The next change of that kind is made, and nobody hears of it."""
    store = served.recognizer.store
    change = getattr(store, verb)

    def changed(*who: Any, **noted: Any) -> Any:
        change(*who, **noted)
        monkeypatch.setattr(store, verb, change)
        raise unknown_end(read_address("postgresql://clerk@db.example/faces"))

    monkeypatch.setattr(store, verb, changed)


@pytest.mark.parametrize(("verb", "request_"), CHANGES.values(), ids=CHANGES)
def test_a_change_whose_end_nobody_heard_of_is_told_and_noted_as_that(
    two_people: Served, photo: Path, verb: str, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as one that failed, which clients send again by themselves."""
    lose(two_people, monkeypatch, verb)
    before = audit.page(two_people.ledger, None, 1)[0].id
    with two_people.http() as http:
        answer = request_(http, photo)
    assert error(answer) == (500, "change_uncertain")
    assert "retry-after" not in answer.headers
    assert "See whether it is there" in answer.json()["error"]["hint"]
    assert "db.example" not in answer.text
    (line,) = (one for one in audit.page(two_people.ledger, None, 10) if one.id > before)
    assert (line.decision, line.status) == ("uncertain", 500)
    named = answer.request.url.path.startswith("/v1/people/1")
    assert line.person_id == (1 if named else None)


def test_the_client_does_not_make_such_a_change_again(
    two_people: Served, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = two_people.recognizer.store
    with Client(two_people.url, two_people.secrets["admin"]) as client:
        lose(two_people, monkeypatch, "add")
        with pytest.raises(ChangeUncertain, match="whole or not at all"):
            client.enroll("Cyd", photo)
        assert store.person("Cyd").templates == 1
        lose(two_people, monkeypatch, "erase")
        with pytest.raises(ChangeUncertain):
            client.erase("Cyd")
    assert "Cyd" not in [one.name for one in store.people()]


def test_who_sends_such_an_enrolment_again_is_told_the_same(
    two_people: Served, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a service that was started again since."""
    lose(two_people, monkeypatch, "add")
    with two_people.http() as http:
        http.headers["Idempotency-Key"] = "one"
        for _ in range(2):
            assert error(enroll(http, "Cyd", photo)) == (500, "change_uncertain")
        two_people.ledger.settle()
        assert error(enroll(http, "Cyd", photo)) == (500, "change_uncertain")
    assert two_people.recognizer.store.person("Cyd").templates == 1


def test_a_photo_that_was_added_is_answered_so_though_the_others_cannot_be_read(
    two_people: Served, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = two_people.recognizer.store

    def busy(*_: Any) -> Any:
        raise GalleryBusy("Others hold it.")

    with two_people.http() as http:
        monkeypatch.setattr(store, "templates", busy)
        answer = http.post("/v1/people/1/photos", content=photo.read_bytes(), headers=JPEG)
    assert answer.status_code == 201
    assert (answer.json()["person"]["templates"], answer.json()["photos"]) == (2, None)


def test_a_new_name_is_noted_though_the_notes_could_not_be_changed(
    two_people: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = two_people.recognizer.store

    def gone(*_: Any, **__: Any) -> Any:
        raise NoSuchPerson("Nobody has the number 1.")

    monkeypatch.setattr(store, "annotate", gone)
    with two_people.http() as http:
        assert error(http.patch("/v1/people/1", json={"notes": "tall"})) == (404, "no_such_person")
        assert [entry.action for entry in audit.of_person(two_people.ledger, 1)] == ["enroll"]
        both = http.patch("/v1/people/1", json={"name": "Ada King", "notes": "tall"})
        assert error(both) == (404, "no_such_person")
    assert [entry.action for entry in audit.of_person(two_people.ledger, 1)] == ["enroll", "change"]


def decisions(served: Served, number: int) -> list[str]:
    return [entry.decision for entry in audit.of_person(served.ledger, number)][1:]


def test_a_photo_that_moves_is_noted_of_both(two_people: Served, people: People) -> None:
    """An export for one person tells what they lost, too."""
    with two_people.http() as http:
        more = next(iter(people.values()))[1]
        http.post("/v1/people/1/photos", content=more.read_bytes(), headers=JPEG)
        assert http.post("/v1/photos/3/move", json={"to": "Bob"}).status_code == 200
        told = http.get("/v1/people/1/export").json()["audit"]
        assert [line["decision"] for line in told] == ["enrolled", "enrolled", "moved away", "exported"]
        assert decisions(two_people, 2) == ["moved"]
        # To whom it belongs already: once.
        assert http.post("/v1/photos/3/move", json={"to": "Bob"}).status_code == 200
        assert decisions(two_people, 2) == ["moved", "moved"]


def test_who_is_removed_with_their_last_photo_is_noted_as_erased(two_people: Served) -> None:
    with two_people.http() as http:
        assert http.post("/v1/photos/1/move", json={"to": "Bob"}).json()["source_removed"]
    assert (decisions(two_people, 1), decisions(two_people, 2)) == (["erased"], ["moved"])


def test_a_merger_is_noted_of_both(two_people: Served) -> None:
    with two_people.http() as http:
        assert http.post("/v1/people/1/merge", json={"into": 2}).status_code == 200
    assert (decisions(two_people, 1), decisions(two_people, 2)) == (["merged"], ["merged into"])
