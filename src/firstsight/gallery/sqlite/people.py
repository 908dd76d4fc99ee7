"""The table of people."""

from __future__ import annotations

import sqlite3
from datetime import date
from typing import Final

from firstsight.gallery.names import alphabetical, checked_name
from firstsight.gallery.records import Person
from firstsight.gallery.refusals import no_place_for, nobody_called, nobody_numbered
from firstsight.gallery.text import day, now, read_day, read_time, storable

SELECT: Final = """
    SELECT person.id, name, person.created, consent, retain_until, notes, count(template.id)
    FROM person LEFT JOIN template ON template.person_id = person.id
"""


def everybody(database: sqlite3.Connection) -> list[Person]:
    """All of them, by name."""
    people = [_record(row) for row in database.execute(SELECT + "GROUP BY person.id")]
    return sorted(people, key=lambda person: alphabetical(person.name))


def find(database: sqlite3.Connection, name: str) -> Person | None:
    """The person of that name, if there is one."""
    row = database.execute(SELECT + "WHERE name = ? GROUP BY person.id", (name,)).fetchone()
    return _record(row) if row else None


def get(database: sqlite3.Connection, name: str) -> Person:
    """The person of that name.

    Raises:
        NoSuchPerson: there is none.
    """
    if (person := find(database, name)) is None:
        raise nobody_called(name)
    return person


def named(database: sqlite3.Connection, number: int) -> Person:
    """The person of that number.

    Raises:
        NoSuchPerson: there is none.
    """
    row = database.execute(SELECT + "WHERE person.id = ? GROUP BY person.id", (number,)).fetchone()
    if row is None:
        raise nobody_numbered(number)
    return _record(row)


def page(database: sqlite3.Connection, after: int, limit: int) -> list[Person]:
    """The next people in the order of enrolment."""
    rows = database.execute(
        SELECT + "WHERE person.id > ? GROUP BY person.id ORDER BY person.id LIMIT ?", (after, limit)
    )
    return [_record(row) for row in rows]


def find_or_add(database: sqlite3.Connection, name: str) -> Person:
    """The person of that name, who is added when new."""
    if person := find(database, name):
        return person
    database.execute("INSERT INTO person (name, created) VALUES (?, ?)", (name, now()))
    return get(database, name)


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
