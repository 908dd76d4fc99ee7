from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from tests.gallery.gallery_makers import raw
from tests.service.service_makers import DESK, DOOR, add_person, held_add, service_over, until

from firstsight.errors import (
    BodyMalformed,
    FirstsightError,
    NoFace,
    NoSuchPerson,
    Overloaded,
    SeveralFaces,
    UsageError,
)
from firstsight.gallery import Person
from firstsight.recognizer import EncodedFace, Encoder, Recognizer
from firstsight.service import audit, keys
from firstsight.service.bodies import Part
from firstsight.service.engine import Place
from firstsight.service.enrolling import LONGEST, Once, Wanted, enrol
from firstsight.service.keys import Key
from firstsight.service.ledger import Ledger
from firstsight.service.routes import enroll as routes
from firstsight.service.state import Service

People = dict[str, list[Path]]
FIRST = "of the first request"
REQUEST = (b"name=Ada", b"photo")


@pytest.fixture
def recognizer(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recognizer]:
    monkeypatch.delenv("FIRSTSIGHT_KEY", raising=False)
    with Recognizer(tmp_path / "people.db", model=encoder) as opened:
        yield opened


@pytest.fixture
def service(recognizer: Recognizer, ledger: Ledger) -> Service:
    return service_over(recognizer, ledger)


def once(service: Service, token: str = FIRST, request: tuple[bytes, ...] = REQUEST, key: Key = DESK) -> Once:
    return Once(service, key, token, request)


def test_the_same_request_twice_has_one_answer(service: Service) -> None:
    first = once(service)
    assert first.begin() is None
    ada = add_person(service, "Ada")
    first.done(ada)
    assert once(service).begin() == ada
    assert once(service).begin() == ada


def test_the_answer_is_the_person_as_they_are_now(service: Service) -> None:
    first = once(service)
    first.begin()
    first.done(add_person(service, "Ada"))
    service.recognizer.store.rename("Ada", "Ada King")
    found = once(service).begin()
    assert found is not None
    assert found.name == "Ada King"


OTHERS: list[tuple[bytes, ...]] = [
    (),
    (b"name=Ada",),
    (b"name=Bob", b"photo"),
    (b"name=Ada", b"another photo"),
    (b"name=Ada", b"photo", b""),
    (b"name=Ada", b"photo", b"photo"),
    (b"photo", b"name=Ada"),
    (b"name=Adaphoto",),
    (b"name=Ad", b"aphoto"),
]


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("in_work", [False, True])
def test_another_request_cannot_have_that_token(
    service: Service, other: tuple[bytes, ...], in_work: bool
) -> None:
    first = once(service)
    first.begin()
    ada = add_person(service, "Ada")
    if not in_work:
        first.done(ada)
    with pytest.raises(UsageError, match="Idempotency-Key"):
        once(service, request=other).begin()
    # And the first one's answer is as it was.
    first.done(ada)
    assert once(service).begin() == ada


def test_while_it_is_being_done_the_second_is_to_come_back(service: Service) -> None:
    first = once(service)
    assert first.begin() is None
    with pytest.raises(Overloaded) as refused:
        once(service).begin()
    assert refused.value.retry_after is not None
    assert refused.value.retry_after >= 1
    ada = add_person(service, "Ada")
    first.done(ada)
    assert once(service).begin() == ada


def test_of_many_at_once_one_is_done(service: Service) -> None:
    def begin(_: int) -> str:
        try:
            return "begun" if once(service).begin() is None else "answered"
        except Overloaded:
            return "in work"

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(begin, range(40)))
    assert sorted(found) == ["begun", *["in work"] * 39]


def test_what_failed_is_forgotten(service: Service) -> None:
    first = once(service)
    first.begin()
    first.done(None)
    second = once(service)
    assert second.begin() is None
    second.done(None)
    # The token may be used for what should have been sent.
    assert once(service, request=(b"name=Ada", b"a better photo")).begin() is None


def test_tokens_are_each_key_s_own(service: Service) -> None:
    desk, door = once(service), once(service, request=(b"name=Bob", b"photo"), key=DOOR)
    assert desk.begin() is None
    assert door.begin() is None
    ada, bob = add_person(service, "Ada"), add_person(service, "Bob")
    door.done(bob)
    desk.done(ada)
    assert once(service).begin() == ada
    assert once(service, request=(b"name=Bob", b"photo"), key=DOOR).begin() == bob
    desk = once(service, "another token")
    assert desk.begin() is None
    desk.done(None)
    assert once(service).begin() == ada


def test_without_a_token_every_request_is_done(service: Service) -> None:
    for _ in range(2):
        first = once(service, token="")
        assert first.begin() is None
        first.done(add_person(service, "Ada"))
    assert once(service, token="", request=(b"other",)).begin() is None


def test_a_token_that_is_too_long(service: Service) -> None:
    assert once(service, token="x" * LONGEST).begin() is None
    with pytest.raises(UsageError, match=f"{LONGEST} characters"):
        once(service, token="x" * (LONGEST + 1))


def test_after_a_restart_answers_stay_and_what_was_cut_off_is_done(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    with closing(Ledger(tmp_path / "answers")) as ledger:
        service = service_over(recognizer, ledger)
        done = once(service, "done")
        done.begin()
        ada = add_person(service, "Ada")
        done.done(ada)
        once(service, "cut off").begin()
    with closing(Ledger(tmp_path / "answers")) as ledger:
        ledger.settle()
        service = service_over(recognizer, ledger)
        assert once(service, "done").begin() == ada
        again = once(service, "cut off")
        assert again.begin() is None
        again.done(ada)
        assert once(service, "cut off").begin() == ada


def test_who_was_erased_since_is_not_enrolled_again(service: Service) -> None:
    """Nor is the answer somebody else who came after them."""
    first = once(service)
    first.begin()
    first.done(add_person(service, "Ada"))
    service.recognizer.erase("Ada")
    add_person(service, "Bob")
    with pytest.raises(NoSuchPerson):
        once(service).begin()


def test_nothing_of_the_request_is_kept(service: Service, path: Path) -> None:
    request = (b"name=Ada Lovelace", b"the bytes of a photo")
    first = once(service, request=request)
    first.begin()
    first.done(add_person(service, "Ada Lovelace"))
    held = raw(path)
    assert b"Lovelace" not in held
    assert b"the bytes" not in held


def parts(*pictures: Path) -> list[Part]:
    return [Part(picture.name, picture.read_bytes()) for picture in pictures]


def test_a_person_with_all_that_was_sent(service: Service, people: People, path: Path) -> None:
    pictures = people["Amara"][:2]
    day = date(2030, 1, 31)

    async def whole() -> None:
        photos = [*parts(pictures[0]), Part("", pictures[1].read_bytes())]
        wanted = Wanted("Amara", photos, keep_crops=True, consent="signed", retain_until=day, notes="desk")
        person = await enrol(service, DESK, wanted)
        assert (person.name, person.templates, person.consent) == ("Amara", 2, "signed")
        assert (person.retain_until, person.notes) == (day, "desk")
        wanted = Wanted("Amara", parts(people["Amara"][2]))
        assert await enrol(service, DESK, wanted) == service.recognizer.store.person("Amara")

    asyncio.run(whole())
    store = service.recognizer.store
    assert [(one.source, one.has_crop) for one in store.templates("Amara")] == [
        (pictures[0].name, True),
        ("the picture", True),
        (people["Amara"][2].name, False),
    ]
    (sighting,) = service.recognizer.identify(people["Amara"][3])
    assert sighting.person == "Amara"
    entries = audit.page(service.ledger, None, 10)
    assert [(entry.key, entry.action, entry.decision, entry.person_id) for entry in entries] == [
        ("desk", "enroll", "enrolled", store.person("Amara").id)
    ] * 2
    assert b"Amara" not in raw(path)


def test_all_photos_of_a_request_or_none(
    service: Service, people: People, together: dict[Path, tuple[str, ...]], tmp_path: Path
) -> None:
    good, empty = people["Amara"][0], tmp_path / "empty.png"
    Image.fromarray(np.full((64, 64, 3), 200, np.uint8)).save(empty)
    wrong: list[tuple[list[Part], type[FirstsightError], str]] = [
        (parts(good, empty), NoFace, "empty.png"),
        (parts(good, next(iter(together))), SeveralFaces, next(iter(together)).name),
        ([], BodyMalformed, "No photo"),
    ]

    async def whole() -> None:
        for photos, error, match in wrong:
            with pytest.raises(error, match=match):
                await enrol(service, DESK, Wanted("Amara", photos))

    asyncio.run(whole())
    assert service.recognizer.people() == []
    assert audit.page(service.ledger, None, 10) == []


def test_who_was_erased_while_their_photo_was_looked_at_stays_erased(
    service: Service, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And who was renamed meanwhile is not there twice."""
    store = service.recognizer.store
    ada, bob = add_person(service, "Ada"), add_person(service, "Bob")
    only_face = Place.only_face

    async def meanwhile(place: Place, photo: bytes, name: str) -> EncodedFace:
        face = await only_face(place, photo, name)
        there = [one.name for one in store.people()]
        if "Ada" in there:
            store.erase("Ada")
        if "Bob" in there:
            store.rename("Bob", "Robert")
        return face

    monkeypatch.setattr(Place, "only_face", meanwhile)

    async def whole() -> None:
        with pytest.raises(NoSuchPerson):
            await enrol(service, DESK, Wanted("Ada", parts(people["Amara"][0]), person_id=ada.id))
        await enrol(service, DESK, Wanted("Bob", parts(people["Amara"][0]), person_id=bob.id))

    asyncio.run(whole())
    assert [(one.id, one.name, one.templates) for one in store.people()] == [(bob.id, "Robert", 2)]


@pytest.mark.parametrize("again", [False, True])
def test_who_is_erased_at_the_last_moment_does_not_come_back(
    service: Service, people: People, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """By their name they would: without consent, and without a day on which they are erased."""
    store = service.recognizer.store
    ada, add = add_person(service, "Ada"), store.add
    left: list[Person] = []

    def late(*who: Any, **noted: Any) -> Person:
        store.erase("Ada")
        if again:  # somebody else of that name
            left.append(add("Ada", []))
        return add(*who, **noted)

    monkeypatch.setattr(store, "add", late)
    with pytest.raises(NoSuchPerson):
        asyncio.run(enrol(service, DESK, Wanted("Ada", parts(people["Amara"][0]), person_id=ada.id)))
    assert store.people() == left


def test_the_answer_is_remembered_though_who_asked_has_gone(
    service: Service, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is being written: the next try is answered, and enrols nobody again."""
    first = once(service)
    first.begin()
    store = service.recognizer.store
    begun, go = held_add(service, monkeypatch)

    async def whole() -> None:
        asked = asyncio.create_task(
            enrol(service, DESK, Wanted("Ada", parts(people["Amara"][0])), once=first)
        )
        await until(begun.is_set)
        asked.cancel()
        await asyncio.sleep(0)
        first.done(None)
        go.set()
        await asyncio.wait([asked])
        await until(lambda: store.count_people() == 1 and answered(service))

    asyncio.run(whole())
    assert once(service).begin() == store.person("Ada")
    first.done(None)
    assert once(service).begin() == store.person("Ada")


def answered(service: Service) -> bool:
    with service.ledger.reading() as database:
        return bool(database.execute("SELECT 1 FROM answered WHERE person_id IS NOT NULL").fetchone())


def test_the_answer_is_remembered_though_another_service_started_meanwhile(service: Service) -> None:
    first = once(service)
    first.begin()
    service.ledger.settle()
    ada = add_person(service, "Ada")
    first.done(ada)
    assert once(service).begin() == ada


def test_nothing_is_written_on_the_event_loop(
    service: Service, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that another process holds must not keep everybody waiting."""
    threads: set[int] = set()
    transaction = service.ledger.transaction

    def beginning() -> Any:
        threads.add(threading.get_ident())
        return transaction()

    monkeypatch.setattr(service.ledger, "transaction", beginning)
    app = FastAPI()
    app.state.service = service
    app.include_router(routes.router)
    desk = keys.create(service.ledger, "desk", "write")
    threads.clear()

    async def whole() -> None:
        headers = {"Authorization": f"Bearer {desk}", "Idempotency-Key": "one"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as http:
            for content, status in ((b"no picture", 500), (people["Amara"][0].read_bytes(), 201)):
                answer = await http.post("/v1/enroll", data={"name": "A"}, files={"photo": content})
                assert answer.status_code == status

    asyncio.run(whole())
    assert threads
    assert threading.get_ident() not in threads
