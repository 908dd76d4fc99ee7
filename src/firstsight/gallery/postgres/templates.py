"""The table of templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from psycopg import sql

from firstsight.gallery.postgres import header, people
from firstsight.gallery.postgres.connection import Cursor
from firstsight.gallery.postgres.embeddings import Embeddings
from firstsight.gallery.postgres.text import given, held
from firstsight.gallery.records import Contract, KeptCrop, NewTemplate, Person, Template
from firstsight.gallery.refusals import no_photo, no_place_for
from firstsight.gallery.store import Held
from firstsight.gallery.text import moment
from firstsight.gallery.vault import Vault, embedding_bytes


def add(
    cursor: Cursor,
    embeddings: Embeddings,
    contract: Contract,
    person: Person,
    templates: Sequence[NewTemplate],
) -> None:
    """Add templates that were checked to a person."""
    if not templates:
        return
    # Known beforehand, because what is sealed is bound to its number.
    numbers = header.next_templates(cursor, len(templates))
    now = moment()
    rows = [(person, number, now, template) for number, template in zip(numbers, templates, strict=True)]
    _insert(cursor, embeddings, contract, rows)


def take(
    cursor: Cursor,
    embeddings: Embeddings,
    contract: Contract,
    everyone: Sequence[tuple[Person, Sequence[Held]]],
) -> None:
    """Add templates that were checked to people, as another gallery holds them.

    Raises:
        NameTaken: one of the numbers is another's.
    """
    rows = [
        (person, template.id, template.created, new)
        for person, templates in everyone
        for template, new in templates
    ]
    owners: dict[int, Person] = {}
    for person, number, _, _ in rows:
        if owners.setdefault(number, person) is not person:
            raise no_place_for(person)
    taken = "SELECT id FROM template WHERE id = ANY (%s::bigint[]) ORDER BY id LIMIT 1"
    if there := cursor.execute(taken, (list(owners),)).fetchone():
        raise no_place_for(owners[there[0]])
    _insert(cursor, embeddings, contract, rows)


def _insert(
    cursor: Cursor,
    embeddings: Embeddings,
    contract: Contract,
    rows: Sequence[tuple[Person, int, datetime, NewTemplate]],
) -> None:
    """Add templates with their people, numbers and times."""
    with cursor.copy(
        "COPY template (id, person_id, created, source, quality, crop, embedding) FROM STDIN"
    ) as copy:
        for person, number, created, template in rows:
            value = embedding_bytes(template.embedding, contract.dimension, unit=False)
            copy.write_row(
                (
                    number,
                    person.id,
                    created,
                    held(template.source),
                    float(template.quality),
                    embeddings.vault.seal_crop(template.crop, number, person.id),
                    embeddings.stored(value, number, person.id, contract),
                )
            )


def held_of(cursor: Cursor, embeddings: Embeddings, contract: Contract, person: Person) -> list[Held]:
    """A person's templates with all that is kept of them, oldest first."""
    rows = cursor.execute(embeddings.kept, (person.id,)).fetchall()
    matrix = embeddings.opened([(number, person.id, stored) for number, stored, _ in rows], contract)
    return [
        (
            template,
            NewTemplate(
                embedding,
                template.source,
                template.quality,
                embeddings.vault.open_crop(crop, template.id, person.id),
            ),
        )
        for template, embedding, (_, _, crop) in zip(
            of_person(cursor, person), matrix.astype(np.float32), rows, strict=True
        )
    ]


def count(cursor: Cursor) -> int:
    """How many there are."""
    return int(cursor.execute("SELECT count(*) FROM template").fetchall()[0][0])


def numbers(cursor: Cursor) -> list[int]:
    """Those of all templates, in the order of enrolment."""
    return [number for (number,) in cursor.execute("SELECT id FROM template ORDER BY id")]


def of_person(cursor: Cursor, person: Person) -> list[Template]:
    """A person's templates, oldest first."""
    rows = cursor.execute(
        "SELECT id, created, source, quality, crop IS NOT NULL FROM template "
        "WHERE person_id = %s ORDER BY id",
        (person.id,),
    )
    return [
        Template(number, person.name, created.astimezone(UTC), given(source), quality, has_crop)
        for number, created, source, quality, has_crop in rows
    ]


def owner(cursor: Cursor, number: int) -> Person:
    """Whose template it is.

    Raises:
        NoSuchTemplate: there is none of that number.
    """
    row = cursor.execute("SELECT person_id FROM template WHERE id = %s", (number,)).fetchone()
    if row is None:
        raise no_photo(number)
    return people.get(cursor, row[0])


def hand_over(
    cursor: Cursor, embeddings: Embeddings, contract: Contract, number: int, target: Person
) -> None:
    """Make a template another person's, to whom what is sealed is bound anew."""
    if not embeddings.sealed:
        cursor.execute("UPDATE template SET person_id = %s WHERE id = %s", (target.id, number))
        return
    vault = embeddings.vault
    row = cursor.execute(
        "SELECT person_id, embedding, crop FROM template WHERE id = %s", (number,)
    ).fetchone()
    if row is None:
        raise no_photo(number)
    source, stored, crop = row
    value = vault.open_embedding(stored, number, source, contract)
    crop = vault.open_crop(crop, number, source)
    cursor.execute(
        "UPDATE template SET person_id = %s, embedding = %s, crop = %s WHERE id = %s",
        (
            target.id,
            vault.seal_embedding(value, number, target.id, contract),
            vault.seal_crop(crop, number, target.id),
            number,
        ),
    )


def remove(cursor: Cursor, number: int) -> None:
    """Remove a template."""
    cursor.execute("DELETE FROM template WHERE id = %s", (number,))


def replace(cursor: Cursor, embeddings: Embeddings, contract: Contract, values: Mapping[int, bytes]) -> None:
    """Give templates the embeddings of another model, and remove those without.

    The column is made anew for the new length. That writes the table to a new file, without the old
    embeddings; until the end of the transaction others wait who want to read it.
    """
    cursor.execute("DELETE FROM template WHERE id <> ALL (%s::bigint[])", (list(values),))
    cursor.execute("ALTER TABLE template ALTER COLUMN embedding DROP NOT NULL")
    cursor.execute(
        sql.SQL("ALTER TABLE template ALTER COLUMN embedding TYPE {kind} USING CAST(NULL AS {kind})").format(
            kind=embeddings.kind(contract.dimension)
        )
    )
    embeddings.lay_flat(cursor, contract.dimension)
    held_by = cursor.execute("SELECT id, person_id FROM template ORDER BY id").fetchall()
    cursor.executemany(
        sql.SQL("UPDATE template SET embedding = {} WHERE id = %s").format(embeddings.parameter),
        ((embeddings.stored(values[number], number, person, contract), number) for number, person in held_by),
    )
    cursor.execute("ALTER TABLE template ALTER COLUMN embedding SET NOT NULL")


def kept_crop(cursor: Cursor, vault: Vault, number: int) -> KeptCrop | None:
    """A template's crop, if one was kept; None for a template that is not there."""
    row = cursor.execute(
        "SELECT person_id, name, source, crop FROM template "
        "JOIN person ON person.id = person_id WHERE template.id = %s",
        (number,),
    ).fetchone()
    if row is None:
        return None
    person_id, name, source, crop = row
    return KeptCrop(number, name, given(source), vault.open_crop(crop, number, person_id))
