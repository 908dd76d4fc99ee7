"""The one row that describes a gallery file, and how it comes to be there."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from firstsight.errors import GalleryCorrupt, GalleryMissing
from firstsight.gallery.records import Contract
from firstsight.gallery.sqlite import schema
from firstsight.gallery.sqlite.connection import Connection
from firstsight.gallery.store import Last


@dataclass(frozen=True, slots=True)
class Header:
    """What made the gallery, and what was done to it; see ``schema.MIGRATIONS``."""

    contract: Contract
    proof: bytes | None
    generation: int
    edits: int
    cleared: int


def read(database: sqlite3.Connection, path: Path) -> Header:
    """The gallery's header.

    Raises:
        GalleryCorrupt: it has none.
    """
    row = database.execute(
        "SELECT model, digest, preprocessing, dimension, proof, generation, edits, cleared FROM gallery"
    ).fetchone()
    if row is None:
        raise GalleryCorrupt(f"{path} does not say which model made it.", hint="Restore it from a backup.")
    return Header(Contract(*row[:4]), *row[4:])


def change_model(database: sqlite3.Connection, contract: Contract) -> None:
    """Note what makes the templates from now on."""
    database.execute(
        "UPDATE gallery SET model = ?, digest = ?, preprocessing = ?, dimension = ?, "
        "generation = generation + 1",
        (contract.model, contract.digest, contract.preprocessing, contract.dimension),
    )


def last(database: sqlite3.Connection) -> Last:
    """The highest numbers ever given, which SQLite keeps for us."""
    given = dict(database.execute("SELECT name, seq FROM sqlite_sequence"))
    return int(given.get("person", 0)), int(given.get("template", 0))


def begin_after(database: sqlite3.Connection, wanted: Last) -> None:
    """Raise them to what another gallery gave."""
    for table, own, other in zip(("person", "template"), last(database), wanted, strict=True):
        if other > own:
            database.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, other))


def open_or_make(gallery: Connection, contract: Contract | None, proof: bytes | None) -> Header:
    """The file's header, after making or migrating its tables where need be.

    Args:
        gallery: a file that was opened, but not started.
        contract: for a new gallery.
        proof: of the key, for a new gallery.

    Raises:
        GalleryMissing: the file is empty, and there is no contract to begin a gallery with. Whoever
            made it was killed before it had tables: the first enrolment begins anew.
        GalleryCorrupt, GalleryTooNew: the file is no gallery, or a later one; it was not changed.
    """
    path = gallery.path
    # Asked before anything is written: the file may be somebody else's. In one transaction, for
    # another process may be making its tables right now.
    with gallery.reading() as database:
        version = schema.check(database, path)
    if version == 0 and contract is None:
        raise GalleryMissing(
            f"{path} is an empty file.",
            hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
        )
    gallery.start()
    if version < len(schema.MIGRATIONS):
        with gallery.writing() as database:
            # Asked again: another process may have been first.
            version = schema.check(database, path)
            schema.migrate(database, version)
            if version == 0 and contract is not None:
                database.execute(
                    "INSERT INTO gallery (id, model, digest, preprocessing, dimension, proof) "
                    "VALUES (1, ?, ?, ?, ?, ?)",
                    (
                        contract.model,
                        contract.digest,
                        contract.preprocessing,
                        contract.dimension,
                        proof,
                    ),
                )
    with gallery.reading() as database:
        return read(database, path)
