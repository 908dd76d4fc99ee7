"""The embedded gallery: one SQLite file, searched in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.adding import Adding, united
from firstsight.gallery.cipher import Cipher, key_from_environment
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.names import Who, checked_name, checked_who
from firstsight.gallery.records import (
    Contract,
    KeptCrop,
    Match,
    Moved,
    Person,
    Receipt,
    Template,
)
from firstsight.gallery.refusals import (
    agree,
    checked,
    fits,
    foreseen,
    moved,
    name_taken,
    no_photo,
    past,
    searchable,
    two_people,
)
from firstsight.gallery.sqlite import header, people, templates, traces
from firstsight.gallery.sqlite.connection import Connection
from firstsight.gallery.sqlite.live import LiveIndex
from firstsight.gallery.store import Held, Last, Named
from firstsight.gallery.text import moment
from firstsight.gallery.vault import Vault, embedding_bytes


class SqliteStore(Adding):
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
        self._vault = Vault(Cipher(key_from_environment() if key is None else key), path)
        self._connection = Connection(path, create=contract is not None)
        try:
            found = header.open_or_make(self._connection, contract, self._vault.proof())
            if contract is not None:
                agree(contract, found.contract, path)
                self._vault.unlock(found.proof)
            traces.settle(self._connection, found.edits != found.cleared)
        except BaseException:
            self._connection.close()
            raise
        self.contract, self._proof = found.contract, found.proof
        self._index = LiveIndex(self._connection, self._vault, similarity)
        self._unit = similarity is inner_product
        self._owing = False

    def add_each(
        self,
        new: Sequence[Named],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        newcomer: bool = False,
    ) -> list[Person]:
        """The same for several, in one transaction."""
        named = checked(new, self.contract.dimension, unit=self._unit)
        self._vault.unlock(self._proof)
        overwrites = False
        with self._writing() as database:
            for who, photos in named:
                person = people.find_or_add(database, who, newcomer)
                templates.add(database, self._vault, self.contract, person, photos)
                overwrites |= people.annotate(database, person, consent, retain_until, notes)
            if overwrites:
                traces.note_edit(database)
            added = [people.get(database, who) for who, _ in named]
        if overwrites:
            self._cleared()
        return added

    def people(self) -> list[Person]:
        """Everybody, by name."""
        with self._connection.reading() as database:
            return people.everybody(database)

    def person(self, who: Who) -> Person:
        """One of them."""
        who = checked_who(who)
        with self._connection.reading() as database:
            return people.get(database, who)

    def page(self, after: int, limit: int) -> list[Person]:
        """The next people in the order of enrolment."""
        with self._connection.reading() as database:
            return people.page(database, after, limit)

    def templates(self, who: Who) -> list[Template]:
        """A person's templates, oldest first."""
        who = checked_who(who)
        with self._connection.reading() as database:
            return templates.of_person(database, people.get(database, who))

    def annotate(
        self,
        who: Who,
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        no_date: bool = False,
    ) -> Person:
        """Change what is noted of a person; None leaves a field as it is."""
        who = checked_who(who)
        with self._editing() as database:
            person = people.get(database, who)
            people.annotate(database, person, consent, retain_until, notes, no_date=no_date)
            person = people.get(database, who)
        self._cleared()
        return person

    def rename(self, who: Who, new: str) -> Person:
        """Give a person another name, which nobody else has."""
        who, new = checked_who(who), checked_name(new)
        with self._editing() as database:
            person = people.get(database, who)
            if new != person.name and people.find(database, new):
                raise name_taken(new)
            people.rename(database, person, new)
            person = people.get(database, person.id)
        self._cleared()
        return person

    def merge(self, source: Who, into: Who) -> Person:
        """Move all of one person's templates to another and remove the first."""
        source, into = checked_who(source), checked_who(into)
        self._vault.unlock(self._proof)
        with self._editing() as database:
            gone, kept = people.get(database, source), people.get(database, into)
            two_people(gone, kept)
            for template in templates.of_person(database, gone):
                templates.hand_over(database, self._vault, self.contract, template.id, kept)
            people.annotate(database, kept, *united(kept, gone))
            people.remove(database, gone)
            person = people.get(database, kept.id)
        self._cleared()
        return person

    def move_template(self, template_id: int, to: str) -> Moved:
        """Move one template to another person, who is added when new."""
        to = checked_name(to)
        self._vault.unlock(self._proof)
        with self._editing() as database:
            source = templates.owner(database, template_id)
            target = people.find_or_add(database, to)
            templates.hand_over(database, self._vault, self.contract, template_id, target)
            emptied = source.id != target.id and source.templates == 1
            if emptied:
                people.remove(database, source)
            told = Moved(people.get(database, to), source.name, source.id, emptied)
        self._cleared()
        return told

    def remove_template(self, template_id: int) -> Receipt:
        """Remove one template; the person stays, if need be without any."""
        with self._editing() as database:
            person = templates.owner(database, template_id)
            held = templates.of_person(database, person)
            templates.remove(database, template_id)
        return self._receipt(person, [each for each in held if each.id == template_id])

    def erase(self, who: Who, *, today: date | None = None) -> Receipt:
        """Remove a person and everything held of them, so that nothing is left in the files."""
        who = checked_who(who)
        with self._editing() as database:
            person = people.get(database, who)
            past(person, today)
            held = templates.of_person(database, person)
            people.remove(database, person)
        return self._receipt(person, held)

    def count_people(self) -> int:
        """How many people there are."""
        with self._connection.reading() as database:
            return int(database.execute("SELECT count(*) FROM person").fetchone()[0])

    def count_templates(self) -> int:
        """How many templates a probe is compared with."""
        with self._connection.reading() as database:
            return int(database.execute("SELECT count(*) FROM template").fetchone()[0])

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first."""
        probes = np.asarray(probes, np.float32)
        searchable(probes, k, self.contract.dimension)
        self._vault.unlock(self._proof)
        return self._index.search(probes, k, self.contract)

    def crop(self, template_id: int) -> KeptCrop:
        """One template's crop, if it was kept."""
        self._vault.unlock(self._proof)
        with self._connection.reading() as database:
            found = templates.kept_crop(database, self._vault, template_id)
        if found is None:
            raise no_photo(template_id)
        return found

    def crops(self) -> Iterator[KeptCrop]:
        """Every template's crop, if it was kept."""
        self._vault.unlock(self._proof)
        with self._connection.reading() as database:
            numbers = database.execute("SELECT id FROM template ORDER BY id").fetchall()
        for (number,) in numbers:
            with self._connection.reading() as database:
                crop = templates.kept_crop(database, self._vault, number)
            if crop:  # not removed meanwhile
                yield crop

    def held(self, number: int) -> list[Held]:
        """A person's templates with all that is kept of them, oldest first."""
        self._vault.unlock(self._proof)
        with self._connection.reading() as database:
            found = header.read(database, self._connection.path).contract
            if found != self.contract:
                raise moved(self._connection.path, found)
            return templates.held(database, self._vault, found, people.get(database, number))

    def take(self, people_held: Sequence[tuple[Person, Sequence[Held]]]) -> None:
        """Add people as another gallery holds them; here all of them or none."""
        for _, held in people_held:
            for _, new in held:
                fits(new, self.contract.dimension, unit=False)
        self._vault.unlock(self._proof)
        with self._writing() as database:
            for person, held in people_held:
                people.take(database, person)
                templates.take(database, self._vault, self.contract, person, held)
            # Their numbers need not be above all others, which is where additions are looked for.
            header.change_model(database, self.contract)

    def last(self) -> Last:
        """Up to where numbers were given."""
        with self._connection.reading() as database:
            return header.last(database)

    def begin_after(self, last: Last) -> None:
        """Give nobody new a number up to these."""
        with self._writing() as database:
            header.begin_after(database, last)

    def replace_all(
        self,
        contract: Contract,
        embeddings: Mapping[int, NDArray[np.float32]],
        dropped: Collection[int] = (),
    ) -> list[str]:
        """Move the gallery to another model: templates that are dropped are removed."""
        values = {
            number: embedding_bytes(embedding, contract.dimension, unit=self._unit)
            for number, embedding in embeddings.items()
        }
        self._vault.unlock(self._proof)
        with self._editing() as database:
            held = database.execute("SELECT id, person_id FROM template").fetchall()
            foreseen((number for number, _ in held), {*values, *dropped})
            for number, person_id in held:
                if number not in values:
                    templates.remove(database, number)
                    continue
                sealed = self._vault.seal_embedding(values[number], number, person_id, contract)
                database.execute("UPDATE template SET embedding = ? WHERE id = ?", (sealed, number))
            header.change_model(database, contract)
            left = [each.name for each in people.everybody(database) if not each.templates]
        self.contract = contract
        self._cleared()
        return left

    def clear(self) -> bool:
        """Overwrite what edits left in the file."""
        return traces.clear(self._connection)

    def close(self) -> None:
        """Clear, and close it; a closed gallery cannot be used again."""
        if self._owing:
            self.clear()
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction on a gallery that is still of our contract."""
        path = self._connection.path
        with self._connection.writing() as database:
            agree(self.contract, header.read(database, path).contract, path)
            yield database

    @contextmanager
    def _editing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that overwrites or removes, and leaves traces to be cleared after it."""
        with self._writing() as database:
            traces.note_edit(database)
            yield database

    def _cleared(self) -> bool:
        """Clear the traces of an edit, unless that is put off until the gallery is closed."""
        cleared = traces.clear_small(self._connection)
        self._owing = not cleared
        return cleared

    def _receipt(self, person: Person, removed: Sequence[Template]) -> Receipt:
        """Clear the traces of what was removed, and say what it was."""
        cleared = self._cleared()
        crops = sum(template.has_crop for template in removed)
        return Receipt(person.name, person.id, len(removed), crops, moment(), cleared)
