"""The audit log: who did what to whom, by number, with which decision. It only grows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from firstsight.service.keys import Key
from firstsight.service.ledger import Ledger

COLUMNS: Final = "id, at, key, role, action, person_id, decision, threshold, status"
INSERT: Final = (
    "INSERT INTO audit (at, key, role, action, person_id, decision, threshold, status) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
LATEST: Final = 2**63 - 1
"""Above every line's number, which is SQLite's largest."""
PIECE: Final = 1000
"""Lines that are read at once: others who read wait no longer than for those."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log."""

    id: int
    at: str
    key: str
    """Name of the key."""
    role: str
    action: str
    person_id: int | None
    decision: str
    """In a word: enrolled, named, nobody, same, different, erased, refused, ..."""
    threshold: float | None
    status: int
    """HTTP status of the answer; 0 of what no request asked for."""


def note(
    ledger: Ledger,
    key: Key | None,
    action: str,
    decision: str,
    *,
    person_id: int | None = None,
    threshold: float | None = None,
    status: int = 200,
) -> None:
    """Add a line; without a key it was the service itself."""
    note_each(ledger, key, action, [(decision, person_id)], threshold=threshold, status=status)


def note_each(
    ledger: Ledger,
    key: Key | None,
    action: str,
    decisions: Sequence[tuple[str, int | None]],
    *,
    threshold: float | None = None,
    status: int = 200,
) -> None:
    """Add a line for each person whom one action was about: all, or none."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    who, role = (key.name, key.role) if key else ("the service", "")
    with ledger.transaction() as database:
        database.executemany(
            INSERT,
            [
                (at, who, role, action, person_id, decision, threshold, status)
                for decision, person_id in decisions
            ],
        )


def check(ledger: Ledger) -> None:
    """See that a line could be added; none is.

    Raises:
        GalleryUnavailable: it could not.
    """
    with suppress(_Enough), ledger.transaction() as database:
        database.execute(INSERT, ("", "", "", "", None, "", None, 0))
        raise _Enough  # which takes it back


class _Enough(Exception):
    """Nothing is to be kept."""


def page(ledger: Ledger, before: int | None, limit: int) -> list[Entry]:
    """The latest lines, newest first, older than a number."""
    with ledger.reading() as database:
        # A bound that is always there lets SQLite begin at it, in the place of passing over later lines.
        rows = database.execute(
            f"SELECT {COLUMNS} FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608
            (LATEST if before is None else before, limit),
        ).fetchall()
    return [Entry(*row) for row in rows]


def of_person(ledger: Ledger, person_id: int) -> list[Entry]:
    """Every line about a person, oldest first. The log only grows: its pieces fit together."""
    found: list[Entry] = []
    while True:
        with ledger.reading() as database:
            rows = database.execute(
                f"SELECT {COLUMNS} FROM audit WHERE person_id = ? AND id > ? ORDER BY id LIMIT ?",  # noqa: S608
                (person_id, found[-1].id if found else 0, PIECE),
            ).fetchall()
        found += [Entry(*row) for row in rows]
        if len(rows) < PIECE:
            return found
