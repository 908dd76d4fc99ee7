"""The gallery on a PostgreSQL server; see ``store.Store`` for the verbs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.adding import Adding, united
from firstsight.gallery.cipher import Cipher, key_from_environment
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.names import Who, checked_name, checked_who
from firstsight.gallery.postgres import header, people, templates, traces
from firstsight.gallery.postgres.address import Address
from firstsight.gallery.postgres.connection import Connection, Cursor, Found, Work
from firstsight.gallery.postgres.embeddings import Embeddings
from firstsight.gallery.postgres.live import LiveIndex
from firstsight.gallery.postgres.search import nearest
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
from firstsight.gallery.store import Held, Last, Named
from firstsight.gallery.text import moment
from firstsight.gallery.vault import Vault, embedding_bytes


class PostgresStore(Adding):
    """People and their templates in one schema of a database.

    The server searches where it can: a gallery that is not sealed, of a model that compares by the
    plain inner product. It sums in float32 in an order of its own, so a similarity may differ in
    its last digit from what a file would say. Every other gallery is held in memory as well, and
    kept in step.

    Changes are made one after another, whoever makes them. What is acknowledged is as durable as
    the server's ``synchronous_commit`` makes it. What ``Receipt.cleared`` promises here, and what
    not, stands in ``traces``.
    """

    def __init__(
        self,
        address: Address,
        contract: Contract | None = None,
        *,
        similarity: Similarity = inner_product,
        key: bytes | None = None,
    ) -> None:
        """Open the gallery, or make it when a contract is given; see ``opening.open_store``."""
        self._vault = Vault(Cipher(key_from_environment() if key is None else key), address.place)
        self._connection = Connection(address)
        try:
            found = header.open_or_make(self._connection, contract, self._vault)
            if contract is not None:
                agree(contract, found.contract, address.place)
                self._vault.unlock(found.proof)
            if found.person_traces or found.template_traces:
                traces.clear(self._connection)
        except BaseException:
            self._connection.close()
            raise
        self.contract, self._proof = found.contract, found.proof
        self._address = address
        self._embeddings = Embeddings(self._vault, found.proof is not None)
        self._unit = similarity is inner_product
        by_server = self._unit and not self._embeddings.sealed
        self._index = None if by_server else LiveIndex(address, self._embeddings, similarity)

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

        def work(cursor: Cursor) -> tuple[list[Person], bool]:
            overwrites = False
            for who, photos in named:
                person = people.find_or_add(cursor, who, newcomer)
                templates.add(cursor, self._embeddings, self.contract, person, photos)
                overwrites |= people.annotate(cursor, person, consent, retain_until, notes)
            if overwrites:
                traces.note_edit(cursor, people=True, templates=False)
            return [people.get(cursor, who) for who, _ in named], overwrites

        added, overwrites = self._write(work)
        if overwrites:
            traces.clear(self._connection)
        return added

    def people(self) -> list[Person]:
        """Everybody, by name."""
        return self._connection.read(people.everybody)

    def person(self, who: Who) -> Person:
        """One of them."""
        who = checked_who(who)
        return self._connection.read(lambda cursor: people.get(cursor, who))

    def page(self, after: int, limit: int) -> list[Person]:
        """The next people in the order of enrolment."""
        return self._connection.read(lambda cursor: people.page(cursor, after, limit))

    def templates(self, who: Who) -> list[Template]:
        """A person's templates, oldest first."""
        who = checked_who(who)
        return self._connection.read(lambda cursor: templates.of_person(cursor, people.get(cursor, who)))

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

        def work(cursor: Cursor) -> Person:
            person = people.get(cursor, who)
            people.annotate(cursor, person, consent, retain_until, notes, no_date=no_date)
            return people.get(cursor, who)

        return self._edit(work, templates=False)

    def rename(self, who: Who, new: str) -> Person:
        """Give a person another name, which nobody else has."""
        who, new = checked_who(who), checked_name(new)

        def work(cursor: Cursor) -> Person:
            person = people.get(cursor, who)
            if new != person.name and people.find(cursor, new):
                raise name_taken(new)
            people.rename(cursor, person, new)
            return people.get(cursor, person.id)

        return self._edit(work, templates=False)

    def merge(self, source: Who, into: Who) -> Person:
        """Move all of one person's templates to another and remove the first."""
        source, into = checked_who(source), checked_who(into)
        self._vault.unlock(self._proof)

        def work(cursor: Cursor) -> Person:
            gone, kept = people.get(cursor, source), people.get(cursor, into)
            two_people(gone, kept)
            for template in templates.of_person(cursor, gone):
                templates.hand_over(cursor, self._embeddings, self.contract, template.id, kept)
            people.annotate(cursor, kept, *united(kept, gone))
            people.remove(cursor, gone)
            return people.get(cursor, kept.id)

        return self._edit(work)

    def move_template(self, template_id: int, to: str) -> Moved:
        """Move one template to another person, who is added when new."""
        to = checked_name(to)
        self._vault.unlock(self._proof)

        def work(cursor: Cursor) -> Moved:
            source = templates.owner(cursor, template_id)
            target = people.find_or_add(cursor, to)
            templates.hand_over(cursor, self._embeddings, self.contract, template_id, target)
            emptied = source.id != target.id and source.templates == 1
            if emptied:
                people.remove(cursor, source)
            return Moved(people.get(cursor, to), source.name, source.id, emptied)

        return self._edit(work)

    def remove_template(self, template_id: int) -> Receipt:
        """Remove one template; the person stays, if need be without any."""

        def work(cursor: Cursor) -> tuple[Person, list[Template]]:
            person = templates.owner(cursor, template_id)
            held = templates.of_person(cursor, person)
            templates.remove(cursor, template_id)
            return person, [each for each in held if each.id == template_id]

        return self._erase(work, people=False)

    def erase(self, who: Who, *, today: date | None = None) -> Receipt:
        """Remove a person and everything held of them."""
        who = checked_who(who)

        def work(cursor: Cursor) -> tuple[Person, list[Template]]:
            person = people.get(cursor, who)
            past(person, today)
            held = templates.of_person(cursor, person)
            people.remove(cursor, person)
            return person, held

        return self._erase(work)

    def count_people(self) -> int:
        """How many people there are."""
        return self._connection.read(people.count)

    def count_templates(self) -> int:
        """How many templates a probe is compared with."""
        return self._connection.read(templates.count)

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first."""
        probes = np.asarray(probes, np.float32)
        searchable(probes, k, self.contract.dimension)
        self._vault.unlock(self._proof)
        if self._index is None:

            def work(cursor: Cursor) -> list[list[Match]]:
                self._see(header.read(cursor, self._address))
                return nearest(cursor, probes, k)

            return self._connection.read(work)
        state = self._connection.read(self._index.current)
        self._see(state.header)
        return self._index.search(state, probes, k)

    def crop(self, template_id: int) -> KeptCrop:
        """One template's crop, if it was kept."""
        self._vault.unlock(self._proof)
        found = self._connection.read(partial(self._kept_crop, template_id))
        if found is None:
            raise no_photo(template_id)
        return found

    def crops(self) -> Iterator[KeptCrop]:
        """Every template's crop, if it was kept."""
        self._vault.unlock(self._proof)
        for number in self._connection.read(templates.numbers):
            if found := self._connection.read(partial(self._kept_crop, number)):  # not removed meanwhile
                yield found

    def held(self, number: int) -> list[Held]:
        """A person's templates with all that is kept of them, oldest first."""
        self._vault.unlock(self._proof)

        def work(cursor: Cursor) -> list[Held]:
            contract = header.read(cursor, self._address).contract
            if contract != self.contract:
                raise moved(self._address.place, contract)
            return templates.held_of(cursor, self._embeddings, contract, people.get(cursor, number))

        return self._connection.read(work)

    def take(self, people_held: Sequence[tuple[Person, Sequence[Held]]]) -> None:
        """Add people as another gallery holds them; here all of them or none."""
        for _, held in people_held:
            for _, new in held:
                fits(new, self.contract.dimension, unit=False)
        self._vault.unlock(self._proof)

        def work(cursor: Cursor) -> None:
            people.take(cursor, [person for person, _ in people_held])
            templates.take(cursor, self._embeddings, self.contract, people_held)
            header.took(cursor)

        self._write(work)

    def last(self) -> Last:
        """Up to where numbers were given."""
        found = self._connection.read(lambda cursor: header.read(cursor, self._address))
        return found.last_person, found.last_template

    def begin_after(self, last: Last) -> None:
        """Give nobody new a number up to these."""
        self._write(lambda cursor: header.begin_after(cursor, last))

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

        def work(cursor: Cursor) -> list[str]:
            foreseen(templates.numbers(cursor), {*values, *dropped})
            templates.replace(cursor, self._embeddings, contract, values)
            header.change_model(cursor, contract)
            return [each.name for each in people.everybody(cursor) if not each.templates]

        left = self._edit(work)
        self.contract = contract
        return left

    def clear(self) -> bool:
        """Overwrite what edits left in the gallery's tables."""
        return traces.clear(self._connection)

    def close(self) -> None:
        """Close it; a closed gallery cannot be used again."""
        self._connection.close()

    def _kept_crop(self, number: int, cursor: Cursor) -> KeptCrop | None:
        return templates.kept_crop(cursor, self._vault, number)

    def _write(self, work: Work[Found]) -> Found:
        """One transaction, alone, on a gallery that is still of our contract."""

        def alone(cursor: Cursor) -> Found:
            agree(self.contract, header.lock(cursor, self._address).contract, self._address.place)
            return work(cursor)

        return self._connection.write(alone)

    def _edit(self, work: Work[Found], *, people: bool = True, templates: bool = True) -> Found:
        """One transaction that overwrites or removes, and the clearing of its traces in those tables."""
        return self._edited(work, people=people, templates=templates)[0]

    def _edited(self, work: Work[Found], *, people: bool, templates: bool) -> tuple[Found, bool]:
        """What the work found, and whether its traces were cleared."""

        def noted(cursor: Cursor) -> Found:
            traces.note_edit(cursor, people=people, templates=templates)
            return work(cursor)

        found = self._write(noted)
        return found, traces.clear(self._connection)

    def _erase(self, work: Work[tuple[Person, list[Template]]], *, people: bool = True) -> Receipt:
        """Remove somebody or some of their templates, and say what it was."""
        (person, removed), cleared = self._edited(work, people=people, templates=True)
        crops = sum(template.has_crop for template in removed)
        return Receipt(person.name, person.id, len(removed), crops, moment(), cleared)

    def _see(self, held: header.Header) -> None:
        """Refuse to compare with what another model made.

        Raises:
            ModelMismatch: the gallery was moved to it in the meantime.
        """
        if held.contract != self.contract:
            raise moved(self._address.place, held.contract)
