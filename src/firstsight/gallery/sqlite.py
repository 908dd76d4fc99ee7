"""The embedded gallery: one SQLite file, searched in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import (
    GalleryCorrupt,
    GalleryLocked,
    GalleryUnavailable,
    ModelMismatch,
    NameTaken,
    UsageError,
)
from firstsight.gallery import rows, schema
from firstsight.gallery.cipher import VARIABLE, Cipher, checked_key, key_from_environment
from firstsight.gallery.connection import Connection
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.live import LiveIndex
from firstsight.gallery.names import checked_name
from firstsight.gallery.records import (
    Contract,
    KeptCrop,
    Match,
    NewTemplate,
    Person,
    Receipt,
    Template,
)

KEY_PROOF: Final = b"firstsight"


class SqliteStore:
    """People and their templates in one file; see ``store.Store`` for the verbs."""

    def __init__(
        self,
        path: Path,
        contract: Contract | None = None,
        *,
        similarity: Similarity = inner_product,
        key: bytes | None = None,
    ) -> None:
        """Open the file, or make it when a contract is given; see ``store.open_store``."""
        self._cipher = Cipher(checked_key(key) if key is not None else key_from_environment())
        self._connection = Connection(path, create=contract is not None)
        self._index = LiveIndex(self._connection, self._cipher, similarity)
        try:
            self.contract, self._key_proof = self._agree(contract)
            if contract is not None:
                self._unlock()
        except BaseException:
            self._connection.close()
            raise

    def add(
        self,
        name: str,
        templates: Sequence[NewTemplate],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
    ) -> Person:
        """Add a person with templates, or templates to a person of that name."""
        name = checked_name(name)
        values = [_checked(template.embedding, self.contract.dimension) for template in templates]
        self._unlock()
        with self._writing() as database:
            person_id = self._add_person(database, name)
            for template, value in zip(templates, values, strict=True):
                cursor = database.execute(
                    "INSERT INTO template (person_id, created, source, quality, embedding) "
                    "VALUES (?, ?, ?, ?, x'')",
                    (person_id, rows.now(), template.source, template.quality),
                )
                number = int(cursor.lastrowid or 0)
                crop = template.crop and self._cipher.seal(template.crop, f"crop {number}")
                database.execute(
                    "UPDATE template SET embedding = ?, crop = ? WHERE id = ?",
                    (self._cipher.seal(value, f"template {number}"), crop, number),
                )
            self._annotate(database, name, consent, retain_until, notes)
            return rows.get_person(database, name)

    def people(self) -> list[Person]:
        """Everybody, by name."""
        with self._connection.reading() as database:
            return rows.all_people(database)

    def person(self, name: str) -> Person:
        """One of them."""
        with self._connection.reading() as database:
            return rows.get_person(database, checked_name(name))

    def templates(self, name: str) -> list[Template]:
        """A person's templates, oldest first."""
        with self._connection.snapshot() as database:
            return rows.templates_of(database, checked_name(name))

    def annotate(
        self,
        name: str,
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
    ) -> Person:
        """Change what is noted of a person; None leaves a field as it is."""
        name = checked_name(name)
        with self._writing(forgets=True) as database:
            rows.get_person(database, name)
            self._annotate(database, name, consent, retain_until, notes)
            return rows.get_person(database, name)

    def rename(self, name: str, new: str) -> Person:
        """Give a person another name, which nobody else has."""
        name, new = checked_name(name), checked_name(new)
        with self._writing(forgets=True) as database:
            person = rows.get_person(database, name)
            if new != name and rows.find_person(database, new):
                raise NameTaken(
                    f"Somebody is called {new!r} already.",
                    hint="Choose another name, or merge the two: firstsight people merge",
                )
            database.execute("UPDATE person SET name = ? WHERE id = ?", (new, person.id))
            return rows.get_person(database, new)

    def merge(self, source: str, into: str) -> Person:
        """Move all of one person's templates to another and remove the first."""
        source, into = checked_name(source), checked_name(into)
        if source == into:
            raise UsageError(f"{source!r} cannot be merged with itself.", hint="Name two people.")
        with self._writing(forgets=True) as database:
            gone, kept = rows.get_person(database, source), rows.get_person(database, into)
            moved = (kept.id, gone.id)
            database.execute("UPDATE template SET person_id = ? WHERE person_id = ?", moved)
            database.execute("DELETE FROM person WHERE id = ?", (gone.id,))
            return rows.get_person(database, into)

    def move_template(self, template_id: int, to: str) -> Person:
        """Move one template to another person, who is added when new."""
        to = checked_name(to)
        with self._writing() as database:
            rows.person_of_template(database, template_id)
            moved = (self._add_person(database, to), template_id)
            database.execute("UPDATE template SET person_id = ? WHERE id = ?", moved)
            return rows.get_person(database, to)

    def remove_template(self, template_id: int) -> Receipt:
        """Remove one template; the person stays, if need be without any."""
        with self._writing() as database:
            person = rows.person_of_template(database, template_id)
            row = database.execute(
                "DELETE FROM template WHERE id = ? RETURNING crop IS NOT NULL", (template_id,)
            ).fetchone()
        return self._receipt(person, 1, int(row[0]))

    def erase(self, name: str) -> Receipt:
        """Remove a person and everything held of them, so that nothing is left in the files."""
        with self._writing() as database:
            person = rows.get_person(database, checked_name(name))
            templates, crops = rows.count_held(database, person.id)
            database.execute("DELETE FROM person WHERE id = ?", (person.id,))
        return self._receipt(person, templates, crops)

    def count_templates(self) -> int:
        """How many templates a probe is compared with."""
        with self._connection.reading() as database:
            return int(database.execute("SELECT count(*) FROM template").fetchone()[0])

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first."""
        if probes.ndim != 2 or probes.shape[1] != self.contract.dimension or k < 1:
            raise UsageError(
                f"Probes of shape {probes.shape} cannot be searched for {k} people.",
                hint=f"Give (N, {self.contract.dimension}) and at least one.",
            )
        self._unlock()
        return self._index.search(probes, k, self.contract)

    def crops(self) -> list[KeptCrop]:
        """Every template's crop, if it was kept."""
        self._unlock()
        with self._connection.snapshot() as database:
            found = database.execute(
                "SELECT template.id, name, source, crop FROM template "
                "JOIN person ON person.id = person_id ORDER BY name, template.id"
            ).fetchall()
        return [
            KeptCrop(number, name, source, crop and self._cipher.open(crop, f"crop {number}"))
            for number, name, source, crop in found
        ]

    def replace_all(
        self, contract: Contract, embeddings: Mapping[int, NDArray[np.float32]]
    ) -> list[str]:
        """Move the gallery to another model: templates without a new embedding are removed."""
        self._unlock()
        values = {
            number: _checked(embedding, contract.dimension)
            for number, embedding in embeddings.items()
        }
        with self._writing(forgets=True) as database:
            for (number,) in database.execute("SELECT id FROM template").fetchall():
                if number in values:
                    sealed = self._cipher.seal(values[number], f"template {number}")
                    row = (sealed, number)
                    database.execute("UPDATE template SET embedding = ? WHERE id = ?", row)
                else:
                    database.execute("DELETE FROM template WHERE id = ?", (number,))
            rows.write_contract(database, contract, self._key_proof)
            left = [person.name for person in rows.all_people(database) if not person.templates]
        self.contract = contract
        return left

    def close(self) -> None:
        """Close it; a closed gallery cannot be used again."""
        self._connection.close()

    @contextmanager
    def _writing(self, *, forgets: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction on a gallery that is still of our contract.

        Args:
            forgets: empty the log afterwards, because something was overwritten.
        """
        with self._connection.writing() as database:
            _compare(self.contract, rows.read_contract(database), self._connection.path)
            yield database
        self._index.forget()
        if forgets:
            self._connection.clear_log()

    def _receipt(self, person: Person, templates: int, crops: int) -> Receipt:
        """Empty the log, so that what was removed is gone from there too, and say what it was."""
        cleared = self._connection.clear_log()
        erased = datetime.now(UTC).replace(microsecond=0)
        return Receipt(person.name, person.id, templates, crops, erased, cleared)

    def _add_person(self, database: sqlite3.Connection, name: str) -> int:
        """Id of the person of that name, who is added when new."""
        if person := rows.find_person(database, name):
            return person.id
        cursor = database.execute(
            "INSERT INTO person (name, created) VALUES (?, ?)", (name, rows.now())
        )
        return int(cursor.lastrowid or 0)

    def _annotate(
        self,
        database: sqlite3.Connection,
        name: str,
        consent: str | None,
        retain_until: date | None,
        notes: str | None,
    ) -> None:
        until = retain_until.isoformat() if retain_until else None
        database.execute(
            "UPDATE person SET consent = coalesce(?, consent), notes = coalesce(?, notes), "
            "retain_until = coalesce(?, retain_until) WHERE name = ?",
            (consent, notes, until, name),
        )

    def _agree(self, contract: Contract | None) -> tuple[Contract, bytes | None]:
        """The file's contract, after making or migrating its tables where need be."""
        path = self._connection.path
        with self._connection.reading() as database:
            version = schema.check(database, path)
        if version < len(schema.MIGRATIONS) or version == 0:
            with self._connection.writing() as database:
                schema.migrate(database, schema.check(database, path))
        with self._connection.reading() as database:
            held = rows.read_contract(database)
        if held is None:
            if contract is None:
                raise GalleryUnavailable(
                    f"{path} is an empty gallery.",
                    hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
                )
            with self._connection.writing() as database:
                held = rows.read_contract(database)
                if held is None:
                    held = contract, self._proof()
                    rows.write_contract(database, *held)
        if contract is not None:
            _compare(contract, held, path)
        return held

    def _proof(self) -> bytes | None:
        return self._cipher.seal(KEY_PROOF, "key") if self._cipher.key else None

    def _unlock(self) -> None:
        """See that the key is the gallery's, before anything is sealed or opened with it.

        Raises:
            GalleryLocked: it is missing, another one, or one for a gallery that is not encrypted.
        """
        path = self._connection.path
        if self._key_proof is None and self._cipher.key is None:
            return
        if self._key_proof is None:
            raise GalleryLocked(
                f"{path} is not encrypted, but a key is given.",
                hint=f"Unset {VARIABLE}, or begin a new gallery with it.",
            )
        if self._cipher.key is None:
            raise GalleryLocked(f"{path} is encrypted.", hint=f"Put its key into {VARIABLE}.")
        try:
            self._cipher.open(self._key_proof, "key")
        except GalleryCorrupt as error:
            raise GalleryLocked(
                f"{path} is encrypted with another key.", hint=f"Put its own key into {VARIABLE}."
            ) from error


def _checked(embedding: NDArray[np.float32], dimension: int) -> bytes:
    """The bytes of an embedding that fits the gallery."""
    fits = embedding.shape == (dimension,) and embedding.dtype == np.float32
    if not fits or not abs(float(np.linalg.norm(embedding)) - 1) < 1e-3:
        raise UsageError(
            f"An embedding of shape {embedding.shape} and type {embedding.dtype} does not fit.",
            hint=f"Give float32 of shape ({dimension},) and unit length.",
        )
    return embedding.astype("<f4").tobytes()


def _compare(wanted: Contract, held: tuple[Contract, bytes | None] | None, path: Path) -> None:
    """Refuse a gallery that was made with another model or preprocessing."""
    if held is None or held[0] == wanted:
        return
    other = held[0]
    same = other.model == wanted.model and other.digest == wanted.digest
    what = "another preprocessing of the model" if same else f"the model {other.model}"
    raise ModelMismatch(
        f"{path} was made with {what}{'' if same else f', not {wanted.model}'}; "
        "their templates cannot be compared.",
        hint=f"Use --model {other.model}, or move the gallery: firstsight reembed "
        f"--model {wanted.model}",
    )
