from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.service.service_makers import DESK, DOOR

from firstsight.errors import GalleryUnavailable
from firstsight.service import audit
from firstsight.service.audit import Entry
from firstsight.service.ledger import Ledger


def numbers(entries: list[Entry]) -> list[int]:
    return [entry.id for entry in entries]


def test_who_did_what_to_whom_and_when(ledger: Ledger) -> None:
    before = datetime.now(UTC)
    audit.note(ledger, DESK, "identify", "named", person_id=3, threshold=0.4375, status=201)
    (entry,) = audit.page(ledger, None, 10)
    assert entry == Entry(1, entry.at, "desk", "write", "identify", 3, "named", 0.4375, 201)
    at = datetime.fromisoformat(entry.at)
    assert at.utcoffset() == timedelta(0)
    assert before - timedelta(milliseconds=1) <= at <= datetime.now(UTC)


def test_nobody_and_no_threshold_are_told_from_zero(ledger: Ledger) -> None:
    audit.note(ledger, DOOR, "identify", "nobody", threshold=0.0)
    audit.note(ledger, DOOR, "list", "listed")
    listed, nobody = audit.page(ledger, None, 10)
    assert (nobody.person_id, nobody.threshold, nobody.status) == (None, 0.0, 200)
    assert (listed.person_id, listed.threshold) == (None, None)


def test_what_the_service_does_itself_bears_no_key(ledger: Ledger) -> None:
    audit.note(ledger, None, "retention", "erased", person_id=3)
    (entry,) = audit.page(ledger, None, 10)
    assert (entry.key, entry.role, entry.person_id) == ("the service", "", 3)


def test_everything_of_a_person_in_order(ledger: Ledger) -> None:
    for person_id in (3, 30, 3, None, 4, 3):
        audit.note(ledger, DESK, "identify", "named", person_id=person_id)
    assert numbers(audit.of_person(ledger, 3)) == [1, 3, 6]
    assert numbers(audit.of_person(ledger, 30)) == [2]
    assert audit.of_person(ledger, 5) == []


def test_a_long_log_of_a_person_is_read_in_pieces(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that others who read have their turn between them; of each size the lines are the same."""
    for number in range(12):
        audit.note(ledger, DESK, "identify", "named", person_id=3 + number % 2)
    reading, turns = ledger.reading, 0

    def counted() -> AbstractContextManager[sqlite3.Connection]:
        nonlocal turns
        turns += 1
        return reading()

    monkeypatch.setattr(ledger, "reading", counted)
    for piece, expected in ((1, 7), (2, 4), (4, 2), (6, 2), (7, 1)):
        monkeypatch.setattr(audit, "PIECE", piece)
        turns = 0
        assert numbers(audit.of_person(ledger, 3)) == [1, 3, 5, 7, 9, 11]
        assert turns == expected


def test_a_page_deep_in_a_long_log_costs_no_more_than_the_first(ledger: Ledger) -> None:
    """Counted in steps of SQLite's machine."""
    with ledger.transaction() as database:
        database.executemany(
            "INSERT INTO audit (at, key, role, action, decision, status) VALUES ('', '', '', '', '', ?)",
            [(200,)] * 20_000,
        )
    steps = 0

    def counted() -> None:
        nonlocal steps
        steps += 1

    def cost(before: int | None) -> int:
        nonlocal steps
        steps = 0
        assert len(audit.page(ledger, before, 10)) == 10
        return steps

    with ledger.reading() as database:
        database.set_progress_handler(counted, 1)
    assert cost(20) < 2 * cost(None)
    assert cost(None) > 10


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 12), limit=st.integers(1, 15))
def test_pages_put_together_are_the_log(
    tmp_path_factory: pytest.TempPathFactory, count: int, limit: int
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("audit") / "people.db.service")
    for _ in range(count):
        audit.note(ledger, DESK, "identify", "nobody")
    read: list[int] = []
    before: int | None = None
    while found := audit.page(ledger, before, limit):
        assert len(found) <= limit
        read += numbers(found)
        before = found[-1].id
        # What is noted while somebody reads moves nothing.
        audit.note(ledger, DESK, "audit", "read")
    assert read == list(range(count, 0, -1))
    ledger.close()


def test_a_line_that_cannot_be_kept_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(GalleryUnavailable):
        audit.note(ledger, DESK, None, "named")  # type: ignore[arg-type]
    assert audit.page(ledger, None, 10) == []
