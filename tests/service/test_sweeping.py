from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.gallery.gallery_makers import names, raw
from tests.service.service_makers import DESK, add_person, service_over, until

from firstsight.errors import GalleryBusy
from firstsight.gallery import Person, Receipt
from firstsight.gallery.sqlite import traces
from firstsight.recognizer import Encoder, Recognizer
from firstsight.service import Settings, audit, sweeping
from firstsight.service.audit import Entry
from firstsight.service.enrolling import Once
from firstsight.service.ledger import Ledger
from firstsight.service.state import Service
from firstsight.service.sweeping import forget, sweep, sweep_forever

TODAY = date(2030, 6, 15)
DAY = timedelta(days=1)


@pytest.fixture
def service(encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.delenv("FIRSTSIGHT_KEY", raising=False)
    with (
        closing(Ledger(tmp_path / "ledger")) as ledger,
        Recognizer(tmp_path / "people.db", model=encoder) as recognizer,
    ):
        yield service_over(recognizer, ledger, Settings(sweep=0.01))


def noted(service: Service) -> list[Entry]:
    return audit.page(service.ledger, None, 10)


def left(service: Service) -> list[str]:
    return names(service.recognizer.people())


def test_exactly_those_are_erased_whose_day_has_passed(service: Service) -> None:
    add_person(service, "Ada", TODAY - DAY)
    add_person(service, "Bob", TODAY)
    add_person(service, "Cy", TODAY + DAY)
    add_person(service, "Dee")
    add_person(service, "Eve", TODAY.replace(year=2029))
    assert sweep(service, TODAY) == 2
    assert left(service) == ["Bob", "Cy", "Dee"]
    assert service.recognizer.store.count_templates() == 3
    assert sweep(service, TODAY) == 0
    # The day itself is theirs, the next one is not.
    assert sweep(service, TODAY + DAY) == 1
    assert left(service) == ["Cy", "Dee"]


def test_nothing_of_them_is_left_in_the_files(service: Service, tmp_path: Path) -> None:
    add_person(service, "Ada Whose Day Has Passed", TODAY - DAY)
    add_person(service, "Bob Who Stays", TODAY)
    assert b"Ada Whose" in raw(tmp_path / "people.db")
    sweep(service, TODAY)
    held = raw(tmp_path / "people.db")
    assert b"Ada Whose" not in held
    assert b"Bob Who" in held


def test_what_was_put_off_in_a_large_gallery_is_done(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after somebody else has erased: the service does not close for months."""
    monkeypatch.setattr(traces, "LARGE", 0)
    add_person(service, "Ada Whose Day Has Passed", TODAY - DAY)
    add_person(service, "Bob Who Was Erased", TODAY)
    assert not service.recognizer.erase("Bob Who Was Erased").cleared
    sweep(service, TODAY)
    held = raw(tmp_path / "people.db")
    assert b"Ada Whose" not in held
    assert b"Bob Who" not in held


def test_the_audit_log_has_each_by_number(service: Service, tmp_path: Path) -> None:
    people = [add_person(service, name, TODAY - DAY) for name in ("Ada Whose Day", "Bob Whose Day")]
    stays = add_person(service, "Cy", TODAY)
    sweep(service, TODAY)
    entries = noted(service)
    assert sorted(entry.person_id or 0 for entry in entries) == [person.id for person in people]
    assert {(entry.key, entry.action, entry.decision, entry.status) for entry in entries} == {
        ("the service", "retention", "erased", 0)
    }
    assert audit.of_person(service.ledger, stays.id) == []
    assert b"Whose Day" not in raw(tmp_path / "ledger")


def test_answers_are_forgotten_when_nobody_asks_for_them_again(service: Service) -> None:
    now = datetime(2030, 6, 15, 12, tzinfo=UTC)
    ages = {"new": 0, "of today": 23 * 3600, "of yesterday": 25 * 3600, "in work": 10**6}
    with service.ledger.transaction() as database:
        for number, (token, age) in enumerate(ages.items()):
            at = (now - timedelta(seconds=age)).isoformat(timespec="seconds")
            # The oldest was never answered.
            row = (1, token, "digest", number if number < 3 else None, at)
            database.execute("INSERT INTO answered VALUES (?, ?, ?, ?, ?)", row)
    assert forget(service, now) == 2
    with service.ledger.reading() as database:
        left = [row[0] for row in database.execute("SELECT token FROM answered ORDER BY at DESC")]
    assert left == ["new", "of today"]
    assert forget(service, now) == 0


def test_an_answer_of_now_is_newer_than_any_limit(service: Service) -> None:
    """As the service itself writes the time, not as a test does."""
    once = Once(service, DESK, "token", ())
    once.begin()
    assert forget(service, datetime.now(UTC)) == 0
    assert forget(service, datetime.now(UTC) + timedelta(days=1, minutes=1)) == 1


def test_no_trouble_ends_the_sweeping(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does one kind of it keep the answers from being forgotten."""
    Once(service, DESK, "token", ()).begin()
    calls, whose = 0, "Zebediah"

    def people() -> list[Person]:
        nonlocal calls
        calls += 1
        raise RuntimeError(whose)

    monkeypatch.setattr(service.recognizer.store, "people", people)
    monkeypatch.setattr(sweeping, "datetime", Tomorrow)

    def forgotten() -> bool:
        with service.ledger.reading() as database:
            return not database.execute("SELECT 1 FROM answered").fetchone()

    async def whole() -> None:
        task = asyncio.create_task(sweep_forever(service))
        await until(lambda: calls >= 2 and forgotten())
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(whole())
    assert "builtins.RuntimeError" in caplog.text
    assert "Zebediah" not in caplog.text


class Tomorrow(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + 2 * DAY


def meanwhile(service: Service, monkeypatch: pytest.MonkeyPatch, action: str, *args: object) -> None:
    """Somebody changes the gallery just after the sweep has listed the people."""
    store = service.recognizer.store
    listing = store.people

    def people() -> list[Person]:
        found = listing()
        if action == "annotate":
            store.annotate("Ada", retain_until=TODAY + DAY)
        else:
            getattr(store, action)(*args)
        return found

    monkeypatch.setattr(store, "people", people)


def test_who_was_erased_meanwhile_is_passed_over(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    add_person(service, "Ada", TODAY - DAY)
    add_person(service, "Bob", TODAY - DAY)
    meanwhile(service, monkeypatch, "erase", "Ada")
    assert sweep(service, TODAY) == 1
    assert service.recognizer.store.count_people() == 0
    assert len(noted(service)) == 1


def test_who_was_renamed_meanwhile_is_erased_and_nobody_else(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = add_person(service, "Ada", TODAY - DAY)
    meanwhile(service, monkeypatch, "rename", "Ada", "Bob")
    assert sweep(service, TODAY) == 1
    assert service.recognizer.store.count_people() == 0
    assert [entry.person_id for entry in noted(service)] == [ada.id]


def test_who_has_got_the_old_name_at_the_last_moment_stays(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_person(service, "Ada", TODAY - DAY)
    store = service.recognizer.store
    erase = store.erase

    def late(who: str | int, *, today: date) -> Receipt:
        store.rename("Ada", "Ada King")
        add_person(service, "Ada")
        return erase(who, today=today)

    monkeypatch.setattr(store, "erase", late)
    assert sweep(service, TODAY) == 1
    assert left(service) == ["Ada"]


def test_who_was_given_another_day_meanwhile_stays(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    add_person(service, "Ada", TODAY - DAY)
    meanwhile(service, monkeypatch, "annotate")
    assert sweep(service, TODAY) == 0
    monkeypatch.undo()
    assert left(service) == ["Ada"]


def test_a_day_put_off_in_the_instant_of_the_sweep_holds(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was read of them before: the day that counts is the one within the erasing change."""
    add_person(service, "Ada", TODAY - DAY)
    add_person(service, "Bob", TODAY - DAY)
    store = service.recognizer.store
    erase = store.erase

    def late(who: str | int, **given: Any) -> Receipt:
        if store.person(who).name == "Ada":
            store.annotate("Ada", retain_until=TODAY + DAY)
        return erase(who, **given)

    monkeypatch.setattr(store, "erase", late)
    assert sweep(service, TODAY) == 1
    assert left(service) == ["Ada"]
    assert len(noted(service)) == 1


def test_it_sweeps_at_once_and_again_and_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the day of today; and a gallery that is busy the first time is swept the next time."""
    store = service.recognizer.store
    today = datetime.now(UTC).date()
    add_person(service, "Ada", today - DAY)
    add_person(service, "Bob", today + DAY)
    listing, calls = store.people, 0

    def people() -> list[Person]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise GalleryBusy("Another process holds it.")
        return listing()

    monkeypatch.setattr(store, "people", people)

    async def whole() -> None:
        sweeping = asyncio.create_task(sweep_forever(service))
        await until(lambda: len(noted(service)) == 1)
        await asyncio.to_thread(add_person, service, "Cy", today - DAY)
        await until(lambda: len(noted(service)) == 2)
        assert not sweeping.done()
        sweeping.cancel()
        await asyncio.wait([sweeping])

    asyncio.run(whole())
    assert names(listing()) == ["Bob"]


def test_ending_it_leaves_nobody_erased_without_a_line(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends it closes the files next: by then the sweep in work must be done."""
    store = service.recognizer.store
    erase = store.erase
    erased, closed = threading.Event(), threading.Event()
    add_person(service, "Ada", TODAY.replace(year=2020))

    def slowly(who: str | int, *, today: date) -> Receipt:
        receipt = erase(who, today=today)
        erased.set()
        closed.wait(0.3)
        return receipt

    monkeypatch.setattr(store, "erase", slowly)

    async def whole() -> None:
        sweeping = asyncio.create_task(sweep_forever(service))
        await until(erased.is_set)
        sweeping.cancel()
        await asyncio.wait([sweeping])

    asyncio.run(whole())
    lines = len(noted(service))
    closed.set()
    assert lines == 1
