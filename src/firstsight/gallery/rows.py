"""Between the tables and the records: every statement that reads people or templates."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime

from firstsight.errors import GalleryCorrupt, NoSuchPerson, NoSuchTemplate
from firstsight.gallery.records import Contract, Person, Template

PEOPLE = """
    SELECT person.id, name, person.created, consent, retain_until, notes, count(template.id)
    FROM person LEFT JOIN template ON template.person_id = person.id
"""


def now() -> str:
    """This moment, UTC, as it is stored."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_contract(database: sqlite3.Connection) -> tuple[Contract, bytes | None] | None:
    """What made the templates, and the proof of the key; None in a file that was never filled."""
    row = database.execute(
        "SELECT model, digest, preprocessing, dimension, key_check FROM contract"
    ).fetchone()
    return (Contract(*row[:4]), row[4]) if row else None


def write_contract(
    database: sqlite3.Connection, contract: Contract, key_check: bytes | None
) -> None:
    """Note what makes the templates from now on."""
    database.execute(
        "INSERT OR REPLACE INTO contract (id, model, digest, preprocessing, dimension, key_check) "
        "VALUES (1, ?, ?, ?, ?, ?)",
        (contract.model, contract.digest, contract.preprocessing, contract.dimension, key_check),
    )


def all_people(database: sqlite3.Connection) -> list[Person]:
    """Everybody, by name."""
    rows = database.execute(f"{PEOPLE} GROUP BY person.id ORDER BY name")
    return [_person(row) for row in rows]


def find_person(database: sqlite3.Connection, name: str) -> Person | None:
    """The person of that name, if there is one."""
    row = database.execute(f"{PEOPLE} WHERE name = ? GROUP BY person.id", (name,)).fetchone()
    return _person(row) if row else None


def get_person(database: sqlite3.Connection, name: str) -> Person:
    """The person of that name.

    Raises:
        NoSuchPerson: there is none.
    """
    if (person := find_person(database, name)) is None:
        raise NoSuchPerson(
            f"Nobody called {name!r} is in the gallery.", hint="See: firstsight people list"
        )
    return person


def person_of_template(database: sqlite3.Connection, template_id: int) -> Person:
    """Whose template it is.

    Raises:
        NoSuchTemplate: there is none of that id.
    """
    row = database.execute(
        f"{PEOPLE} WHERE person.id = (SELECT person_id FROM template WHERE id = ?) GROUP BY person.id",
        (template_id,),
    ).fetchone()
    if row is None:
        raise NoSuchTemplate(
            f"No photo with the number {template_id} is in the gallery.",
            hint="See: firstsight people show NAME",
        )
    return _person(row)


def templates_of(database: sqlite3.Connection, name: str) -> list[Template]:
    """A person's templates, oldest first."""
    person = get_person(database, name)
    rows = database.execute(
        "SELECT id, created, source, quality, crop IS NOT NULL FROM template "
        "WHERE person_id = ? ORDER BY id",
        (person.id,),
    )
    return [
        Template(number, person.name, _time(created), source, quality, bool(has_crop))
        for number, created, source, quality, has_crop in rows
    ]


def count_held(database: sqlite3.Connection, person_id: int) -> tuple[int, int]:
    """How many templates and crops are held of a person."""
    row = database.execute(
        "SELECT count(*), count(crop) FROM template WHERE person_id = ?", (person_id,)
    ).fetchone()
    return int(row[0]), int(row[1])


def _person(row: tuple[int, str, str, str, str | None, str, int]) -> Person:
    number, name, created, consent, retain_until, notes, count = row
    until = date.fromisoformat(retain_until) if retain_until else None
    return Person(number, name, _time(created), consent, until, notes, count)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise GalleryCorrupt(
            f"The gallery holds the time {text!r}, which is none.", hint="Restore a backup."
        ) from error
