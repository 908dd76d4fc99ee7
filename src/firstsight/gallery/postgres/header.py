"""The one row that describes a gallery, and how it comes to be there."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

from psycopg import sql

from firstsight.errors import GalleryCorrupt, GalleryMissing, GalleryUnavailable
from firstsight.gallery.postgres import schema
from firstsight.gallery.postgres.address import Address
from firstsight.gallery.postgres.connection import Connection, Cursor
from firstsight.gallery.postgres.embeddings import Embeddings
from firstsight.gallery.records import Contract
from firstsight.gallery.store import Last
from firstsight.gallery.vault import Vault

SELECT: Final = (
    "SELECT model, digest, preprocessing, dimension, "
    "proof, generation, edits, last_person, last_template, person_traces, template_traces FROM gallery"
)


@dataclass(frozen=True, slots=True)
class Header:
    """What made the gallery, and what was done to it; see ``schema.MIGRATIONS``."""

    contract: Contract
    proof: bytes | None
    generation: int
    edits: int
    last_person: int
    last_template: int
    person_traces: bool
    template_traces: bool


def read(cursor: Cursor, address: Address) -> Header:
    """The gallery's header.

    Raises:
        GalleryCorrupt: it has none.
    """
    return _header(cursor.execute(SELECT).fetchone(), address)


def lock(cursor: Cursor, address: Address) -> Header:
    """The gallery's header, which nobody else can change before our transaction has ended."""
    return _header(cursor.execute(SELECT + " FOR UPDATE").fetchone(), address)


def change_model(cursor: Cursor, contract: Contract) -> None:
    """Note what makes the templates from now on."""
    cursor.execute(
        "UPDATE gallery SET model = %s, digest = %s, preprocessing = %s, dimension = %s, "
        "generation = generation + 1",
        astuple(contract),
    )


def next_person(cursor: Cursor) -> int:
    """A number for a person that nobody ever had."""
    row = cursor.execute("UPDATE gallery SET last_person = last_person + 1 RETURNING last_person").fetchone()
    assert row  # noqa: S101 - the row was locked
    return int(row[0])


def next_templates(cursor: Cursor, count: int) -> range:
    """Numbers for templates that none ever had, in ascending order."""
    row = cursor.execute(
        "UPDATE gallery SET last_template = last_template + %s RETURNING last_template", (count,)
    ).fetchone()
    assert row  # noqa: S101 - the row was locked
    return range(int(row[0]) - count + 1, int(row[0]) + 1)


def begin_after(cursor: Cursor, last: Last) -> None:
    """Raise the highest numbers ever given to what another gallery gave."""
    cursor.execute(
        "UPDATE gallery SET last_person = greatest(last_person, %s), "
        "last_template = greatest(last_template, %s)",
        last,
    )


def took(cursor: Cursor) -> None:
    """Note numbers that came from elsewhere: those above them are free, and an index is read anew."""
    cursor.execute(
        "UPDATE gallery SET generation = generation + 1, "
        "last_person = greatest(last_person, (SELECT max(id) FROM person)), "
        "last_template = greatest(last_template, (SELECT max(id) FROM template))"
    )


def open_or_make(connection: Connection, contract: Contract | None, vault: Vault) -> Header:
    """The gallery's header, after making or migrating its tables where need be.

    Args:
        connection: to the database.
        contract: for a new gallery.
        vault: with the key of a new gallery, if it is to have one.

    Raises:
        GalleryUnavailable: there is no gallery, and no contract to begin one with; or the gallery is
            not sealed and the database is without pgvector.
        GalleryCorrupt, GalleryTooNew: the schema is no gallery, or a later one; it was not changed.
    """
    address = connection.address
    has_vector = connection.find_vector()
    version = connection.look(lambda cursor: schema.check(cursor, address))
    if not version and contract is None:
        raise GalleryMissing(
            f"There is no gallery at {address.place}.",
            hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
        )
    if version is None or version < len(schema.MIGRATIONS):
        proof = vault.proof()
        if proof is None and not version and not has_vector:
            raise _without_vector(address)
        connection.write(lambda cursor: _make(cursor, address, contract, vault, proof))
    found = connection.read(lambda cursor: read(cursor, address))
    if found.proof is None and not has_vector:
        raise _without_vector(address)
    return found


def _make(
    cursor: Cursor, address: Address, contract: Contract | None, vault: Vault, proof: bytes | None
) -> None:
    """Make the tables, or bring them to the newest version, unless another process was first."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (address.schema,))
    version = schema.check(cursor, address)
    if version is None:
        cursor.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(address.schema)))
    if version:
        held = read(cursor, address)
        embeddings = Embeddings(vault, held.proof is not None)
        schema.migrate(cursor, version, embeddings.kind(held.contract.dimension))
        cursor.execute("UPDATE gallery SET version = %s", (len(schema.MIGRATIONS),))
    elif contract is not None:
        embeddings = Embeddings(vault, proof is not None)
        schema.migrate(cursor, 0, embeddings.kind(contract.dimension))
        embeddings.lay_flat(cursor, contract.dimension)
        cursor.execute(
            "INSERT INTO gallery (version, model, digest, preprocessing, dimension, proof) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            (len(schema.MIGRATIONS), *astuple(contract), proof),
        )


def _header(row: tuple[object, ...] | None, address: Address) -> Header:
    if row is None:
        raise GalleryCorrupt(
            f"{address.place} does not say which model made it.", hint="Restore it from a backup."
        )
    return Header(Contract(*row[:4]), *row[4:])  # type: ignore[arg-type]


def _without_vector(address: Address) -> GalleryUnavailable:
    return GalleryUnavailable(
        f"The database of {address.place} has no pgvector, which compares the templates.",
        hint="Install pgvector on the server, and run in that database: CREATE EXTENSION vector",
    )
