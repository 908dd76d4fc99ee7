"""The table of templates."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from firstsight.gallery.records import Contract, KeptCrop, NewTemplate, Person, Template
from firstsight.gallery.refusals import no_photo, no_place_for
from firstsight.gallery.sqlite import people
from firstsight.gallery.store import Held
from firstsight.gallery.text import now, read_time, storable
from firstsight.gallery.vault import Vault, embedding_bytes


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
    first = row[0] + 1 if row else 1
    _insert(
        database,
        vault,
        contract,
        person,
        [(number, now(), template) for number, template in enumerate(templates, start=first)],
    )


def take(
    database: sqlite3.Connection,
    vault: Vault,
    contract: Contract,
    person: Person,
    templates: Sequence[Held],
) -> None:
    """Add templates that were checked to a person, as another gallery holds them.

    Raises:
        NameTaken: one of the numbers is another's.
    """
    rows = [(template.id, template.created.isoformat(timespec="seconds"), new) for template, new in templates]
    try:
        _insert(database, vault, contract, person, rows)
    except sqlite3.IntegrityError as error:
        raise no_place_for(person) from error


def _insert(
    database: sqlite3.Connection,
    vault: Vault,
    contract: Contract,
    person: Person,
    rows: Sequence[tuple[int, str, NewTemplate]],
) -> None:
    """Add templates with their numbers and times."""
    for number, created, template in rows:
        value = embedding_bytes(template.embedding, contract.dimension, unit=False)
        database.execute(
            "INSERT INTO template (id, person_id, created, source, quality, embedding, crop) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                person.id,
                created,
                storable(template.source),
                float(template.quality),
                vault.seal_embedding(value, number, person.id, contract),
                vault.seal_crop(template.crop, number, person.id),
            ),
        )


def held(database: sqlite3.Connection, vault: Vault, contract: Contract, person: Person) -> list[Held]:
    """A person's templates with all that is kept of them, oldest first."""
    rows = database.execute(
        "SELECT id, embedding, crop FROM template WHERE person_id = ? ORDER BY id", (person.id,)
    ).fetchall()
    matrix = vault.open_embeddings([(number, person.id, stored) for number, stored, _ in rows], contract)
    return [
        (
            template,
            NewTemplate(
                embedding, template.source, template.quality, vault.open_crop(crop, number, person.id)
            ),
        )
        for template, embedding, (number, _, crop) in zip(
            of_person(database, person), matrix.astype("float32"), rows, strict=True
        )
    ]


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
        raise no_photo(number)
    return people.get(database, row[0])


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
