"""The table of templates."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from firstsight.errors import NoSuchTemplate, UsageError
from firstsight.gallery.records import Contract, KeptCrop, NewTemplate, Person, Template
from firstsight.gallery.sqlite import people
from firstsight.gallery.text import now, read_time, storable
from firstsight.gallery.vault import Vault, embedding_bytes


def check(template: NewTemplate, dimension: int) -> None:
    """See that a template can be stored.

    Raises:
        UsageError: it cannot.
    """
    embedding_bytes(template.embedding, dimension)
    if not 0 <= template.quality <= 1:
        raise UsageError(f"A quality of {template.quality} cannot be noted.", hint="Give one from 0 to 1.")


def add(
    database: sqlite3.Connection,
    vault: Vault,
    contract: Contract,
    person: Person,
    templates: Sequence[NewTemplate],
) -> None:
    """Add templates that were checked to a person."""
    # Known beforehand, because what is sealed is bound to its number; none is ever given again.
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'template'").fetchone()
    for number, template in enumerate(templates, start=row[0] + 1 if row else 1):
        value = embedding_bytes(template.embedding, contract.dimension)
        database.execute(
            "INSERT INTO template (id, person_id, created, source, quality, embedding, crop) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                person.id,
                now(),
                storable(template.source),
                float(template.quality),
                vault.seal_embedding(value, number, person.id, contract),
                vault.seal_crop(template.crop, number, person.id),
            ),
        )


def of_person(database: sqlite3.Connection, person: Person) -> list[Template]:
    """A person's templates, oldest first."""
    rows = database.execute(
        "SELECT id, created, source, quality, crop IS NOT NULL FROM template WHERE person_id = ? ORDER BY id",
        (person.id,),
    )
    return [
        Template(number, person.name, read_time(created), source, quality, bool(has_crop))
        for number, created, source, quality, has_crop in rows
    ]


def owner(database: sqlite3.Connection, number: int) -> Person:
    """Whose template it is.

    Raises:
        NoSuchTemplate: there is none of that number.
    """
    row = database.execute(
        "SELECT name FROM person JOIN template ON person.id = person_id WHERE template.id = ?",
        (number,),
    ).fetchone()
    if row is None:
        raise missing(number)
    return people.get(database, row[0])


def missing(number: int) -> NoSuchTemplate:
    """The error of a number that no template has."""
    return NoSuchTemplate(
        f"No photo with the number {number} is in the gallery.", hint="See: firstsight people show NAME"
    )


def hand_over(
    database: sqlite3.Connection,
    vault: Vault,
    contract: Contract,
    number: int,
    target: Person,
) -> None:
    """Make a template another person's, to whom what is sealed is bound anew."""
    source, stored, crop = database.execute(
        "SELECT person_id, embedding, crop FROM template WHERE id = ?", (number,)
    ).fetchone()
    value = vault.open_embedding(stored, number, source, contract)
    crop = vault.open_crop(crop, number, source)
    database.execute(
        "UPDATE template SET person_id = ?, embedding = ?, crop = ? WHERE id = ?",
        (
            target.id,
            vault.seal_embedding(value, number, target.id, contract),
            vault.seal_crop(crop, number, target.id),
            number,
        ),
    )


def remove(database: sqlite3.Connection, number: int) -> None:
    """Remove a template."""
    database.execute("DELETE FROM template WHERE id = ?", (number,))


def kept_crop(database: sqlite3.Connection, vault: Vault, number: int) -> KeptCrop | None:
    """A template's crop, if one was kept; None for a template that is not there."""
    row = database.execute(
        "SELECT person_id, name, source, crop FROM template "
        "JOIN person ON person.id = person_id WHERE template.id = ?",
        (number,),
    ).fetchone()
    if row is None:
        return None
    person_id, name, source, crop = row
    return KeptCrop(number, name, source, vault.open_crop(crop, number, person_id))
