"""The table of people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from typing import Any, Final

from firstsight.gallery.names import Who, alphabetical, checked_name
from firstsight.gallery.postgres import header
from firstsight.gallery.postgres.connection import Cursor
from firstsight.gallery.postgres.text import given, held
from firstsight.gallery.records import Person
from firstsight.gallery.refusals import name_taken, no_place_for, nobody_is
from firstsight.gallery.text import day, moment

SELECT: Final = """
    SELECT person.id, name, person.created, consent, retain_until, notes, count(template.id)
    FROM person LEFT JOIN template ON template.person_id = person.id
"""
NAMED: Final = "WHERE name = %s GROUP BY person.id"
NUMBERED: Final = "WHERE person.id = %s GROUP BY person.id"
PAGE: Final = """
    WHERE person.id IN (SELECT id FROM person WHERE id > %s ORDER BY id LIMIT %s)
    GROUP BY person.id ORDER BY person.id
"""


def everybody(cursor: Cursor) -> list[Person]:
    """All of them, by name."""
    people = [_record(row) for row in cursor.execute(SELECT + "GROUP BY person.id")]
    return sorted(people, key=lambda person: alphabetical(person.name))


def count(cursor: Cursor) -> int:
    """How many there are."""
    return int(cursor.execute("SELECT count(*) FROM person").fetchall()[0][0])


def find(cursor: Cursor, who: Who) -> Person | None:
    """The person of that name or number, if there is one."""
    row = cursor.execute(SELECT + (NAMED if isinstance(who, str) else NUMBERED), (who,)).fetchone()
    return _record(row) if row else None


def get(cursor: Cursor, who: Who) -> Person:
    """The person of that name or number.

    Raises:
        NoSuchPerson: there is none.
    """
    if (person := find(cursor, who)) is None:
        raise nobody_is(who)
    return person


def page(cursor: Cursor, after: int, limit: int) -> list[Person]:
    """The next people in the order of enrolment."""
    # Chosen first: the templates of all the others would be counted for nothing.
    rows = cursor.execute(SELECT + PAGE, (after, limit))
    return [_record(row) for row in rows]


def find_or_add(cursor: Cursor, who: Who, newcomer: bool = False) -> Person:
    """The person of that name, who is added when new, or of that number, who is not.

    Raises:
        NoSuchPerson: nobody has that number.
        NameTaken: they are there, and were to be a newcomer.
    """
    if person := find(cursor, who):
        if newcomer:
            raise name_taken(person.name)
        return person
    if not isinstance(who, str):
        raise nobody_is(who)
    cursor.execute(
        "INSERT INTO person (id, name, created) VALUES (%s, %s, %s)",
        (header.next_person(cursor), who, moment()),
    )
    return get(cursor, who)


def take(cursor: Cursor, everyone: Sequence[Person]) -> None:
    """Add people as another gallery holds them.

    Raises:
        NameTaken: somebody has such a name, or such a number.
    """
    cursor.executemany(
        "INSERT INTO person (id, name, created, consent, retain_until, notes) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        [
            (
                person.id,
                checked_name(person.name),
                person.created,
                held(person.consent),
                day(person.retain_until),
                held(person.notes),
            )
            for person in everyone
        ],
        returning=True,
    )
    for person, _ in zip(everyone, cursor.results(), strict=True):
        if cursor.fetchone() is None:
            raise no_place_for(person)


def annotate(
    cursor: Cursor,
    person: Person,
    consent: str | None,
    retain_until: date | None,
    notes: str | None,
    *,
    no_date: bool = False,
) -> bool:
    """Change what is noted of a person; None leaves a field as it is.

    Args:
        cursor: within a transaction.
        person: of whom.
        consent: how they agreed; "" takes it back.
        retain_until: last day.
        notes: anything else; "" takes them back.
        no_date: take the last day back.

    Returns:
        Whether something noted before was overwritten.
    """
    before = (held(person.consent), held(person.notes), day(person.retain_until))
    after = (
        before[0] if consent is None else held(consent),
        before[1] if notes is None else held(notes),
        None if no_date else day(retain_until or person.retain_until),
    )
    if after != before:
        cursor.execute(
            "UPDATE person SET consent = %s, notes = %s, retain_until = %s WHERE id = %s",
            (*after, person.id),
        )
    return any(old and old != new for old, new in zip(before, after, strict=True))


def rename(cursor: Cursor, person: Person, name: str) -> None:
    """Give a person a name that nobody else has."""
    cursor.execute("UPDATE person SET name = %s WHERE id = %s", (name, person.id))


def remove(cursor: Cursor, person: Person) -> None:
    """Remove a person and their templates."""
    cursor.execute("DELETE FROM person WHERE id = %s", (person.id,))


def _record(row: tuple[Any, ...]) -> Person:
    """A row of ``SELECT``."""
    number, name, created, consent, retain_until, notes, templates = row
    return Person(
        number, name, created.astimezone(UTC), given(consent), retain_until, given(notes), templates
    )
