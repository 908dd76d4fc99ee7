"""The table of people."""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import Final

from firstsight.gallery.names import Who, alphabetical, checked_name
from firstsight.gallery.records import Person
from firstsight.gallery.refusals import name_taken, no_place_for, nobody_is
from firstsight.gallery.text import day, now, read_day, read_time, storable

SELECT: Final = """
    SELECT person.id, name, person.created, consent, retain_until, notes, count(template.id)
    FROM person LEFT JOIN template ON template.person_id = person.id
"""
NAMED: Final = "WHERE name = ? GROUP BY person.id"
NUMBERED: Final = "WHERE person.id = ? GROUP BY person.id"


def everybody(database: sqlite3.Connection) -> list[Person]:
    """All of them, by name."""
    people = [_record(row) for row in database.execute(SELECT + "GROUP BY person.id")]
    return sorted(people, key=lambda person: alphabetical(person.name))


def find(database: sqlite3.Connection, who: Who) -> Person | None:
    """The person of that name or number, if there is one."""
    row = database.execute(SELECT + (NAMED if isinstance(who, str) else NUMBERED), (who,)).fetchone()
    return _record(row) if row else None


def get(database: sqlite3.Connection, who: Who) -> Person:
    """The person of that name or number.

    Raises:
        NoSuchPerson: there is none.
    """
    if (person := find(database, who)) is None:
        raise nobody_is(who)
    return person


def page(database: sqlite3.Connection, after: int, limit: int) -> list[Person]:
    """The next people in the order of enrolment."""
    rows = database.execute(
        SELECT + "WHERE person.id > ? GROUP BY person.id ORDER BY person.id LIMIT ?", (after, limit)
    )
    return [_record(row) for row in rows]


def find_or_add(database: sqlite3.Connection, who: Who, newcomer: bool = False) -> Person:
    """The person of that name, who is added when new, or of that number, who is not.

    Raises:
        NoSuchPerson: nobody has that number.
        NameTaken: they are there, and were to be a newcomer.
    """
    if person := find(database, who):
        if newcomer:
            raise name_taken(person.name)
        return person
    if not isinstance(who, str):
        raise nobody_is(who)
    database.execute("INSERT INTO person (name, created) VALUES (?, ?)", (who, now()))
    return get(database, who)


def take(database: sqlite3.Connection, person: Person) -> None:
    """Add a person as another gallery holds them.

    Raises:
        NameTaken: somebody has that name, or that number.
    """
    try:
        database.execute(
            "INSERT INTO person (id, name, created, consent, retain_until, notes) VALUES (?, ?, ?, ?, ?, ?)",
            (
                person.id,
                checked_name(person.name),
                person.created.isoformat(timespec="seconds"),
                person.consent,
                day(person.retain_until),
                person.notes,
            ),
        )
    except sqlite3.IntegrityError as error:
        raise no_place_for(person) from error


def annotate(
    database: sqlite3.Connection,
    person: Person,
    consent: str | None,
    retain_until: date | None,
    notes: str | None,
    *,
    no_date: bool = False,
) -> bool:
    """Change what is noted of a person; None leaves a field as it is.

    Args:
        database: within a transaction.
        person: of whom.
        consent: how they agreed; "" takes it back.
        retain_until: last day.
        notes: anything else; "" takes them back.
        no_date: take the last day back.

    Returns:
        Whether something noted before was overwritten.
    """
    before = (person.consent, person.notes, day(person.retain_until))
    after = (
        person.consent if consent is None else storable(consent),
        person.notes if notes is None else storable(notes),
        None if no_date else day(retain_until or person.retain_until),
    )
    database.execute(
        "UPDATE person SET consent = ?, notes = ?, retain_until = ? WHERE id = ?",
        (*after, person.id),
    )
    return any(old and old != new for old, new in zip(before, after, strict=True))


def rename(database: sqlite3.Connection, person: Person, name: str) -> None:
    """Give a person a name that nobody else has."""
    database.execute("UPDATE person SET name = ? WHERE id = ?", (name, person.id))


def remove(database: sqlite3.Connection, person: Person) -> None:
    """Remove a person and their templates."""
    database.execute("DELETE FROM person WHERE id = ?", (person.id,))


def _record(row: tuple[int, str, str, str, str | None, str, int]) -> Person:
    """A row of ``SELECT``."""
    number, name, created, consent, retain_until, notes, templates = row
    return Person(number, name, read_time(created), consent, read_day(retain_until), notes, templates)
