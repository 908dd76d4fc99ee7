"""A gallery in Milvus."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import GalleryLocked, GalleryUnavailable, UsageError
from firstsight.gallery.adding import Adding, united
from firstsight.gallery.cipher import VARIABLE, key_from_environment
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.milvus import header as headers
from firstsight.gallery.milvus import sharing
from firstsight.gallery.milvus.address import Address
from firstsight.gallery.milvus.connection import CollectionMissing
from firstsight.gallery.milvus.layout import new_record
from firstsight.gallery.milvus.search import Search
from firstsight.gallery.milvus.staging import (
    add_each,
    check,
    hand_over,
    kept_crop,
    receipt,
    take,
)
from firstsight.gallery.milvus.view import View
from firstsight.gallery.milvus.writer import Writer
from firstsight.gallery.names import Who, alphabetical, checked_name, checked_who
from firstsight.gallery.records import (
    Contract,
    KeptCrop,
    Match,
    Moved,
    Person,
    Receipt,
    Template,
)
from firstsight.gallery.refusals import agree, name_taken, past, searchable, two_people
from firstsight.gallery.store import Held, Last, Named
from firstsight.gallery.vault import embedding_bytes

T = TypeVar("T")


class MilvusStore(Adding):
    """People and their templates in Milvus; see ``store.Store`` for the verbs."""

    def __init__(
        self,
        address: Address,
        contract: Contract | None = None,
        *,
        similarity: Similarity = inner_product,
        key: bytes | None = None,
    ) -> None:
        """Open the gallery, or make it when a contract is given; see ``open_store``."""
        if key is not None or key_from_environment() is not None:
            raise GalleryLocked(
                f"{address.shown} cannot be encrypted by us: the server has to compare the embeddings.",
                hint=f"Unset {VARIABLE}, and let the server's disks be encrypted; or keep a file.",
            )
        if similarity is not inner_product:
            raise UsageError(
                "The model compares in its own way, which Milvus does not know.",
                hint="Keep its gallery in a file.",
            )
        if contract is None and address.path is not None and not address.path.exists():
            raise headers.missing(address)
        self._address = address
        self._open = False
        shared = sharing.take(address)
        self._connection, self._writer = shared.connection, shared.writer
        self._open = True
        try:
            found = self._begin(contract)
            headers.check_index(address, found.index)
        except BaseException:
            self.close()
            raise
        self.contract = found.contract

    def add_each(
        self,
        new: Sequence[Named],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        newcomer: bool = False,
    ) -> list[Person]:
        """The same for several, of whom each is a change."""
        named = [(checked_who(who), templates) for who, templates in new]
        for _, templates in named:
            for template in templates:
                check(template, self.contract.dimension)
        with self._writing() as (view, writer):
            records = add_each(view, writer, named, (consent, retain_until, notes), newcomer)
            return [record.person() for record in records]

    def people(self) -> list[Person]:
        """Everybody, by name."""
        people = self._read(lambda view: [each.record.person() for each in view.everybody()])
        return sorted(people, key=lambda person: alphabetical(person.name))

    def person(self, who: Who) -> Person:
        """One of them."""
        who = checked_who(who)
        return self._read(lambda view: view.get(who).record.person())

    def page(self, after: int, limit: int) -> list[Person]:
        """The next people in the order of enrolment."""

        def read(view: View) -> list[Person]:
            people = (each.record.person() for each in view.everybody(after, window=limit))
            return [person for person, _ in zip(people, range(limit), strict=False)]

        return self._read(read)

    def templates(self, who: Who) -> list[Template]:
        """A person's templates, oldest first."""
        who = checked_who(who)

        def read(view: View) -> list[Template]:
            record = view.get(who).record
            return [row.template(record.name) for row in view.rows_of(record)]

        return self._read(read)

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
        with self._writing() as (view, writer):
            found = view.get(who)
            record = found.record.annotated(consent, retain_until, notes, no_date=no_date)
            if record != found.record:
                writer.commit({record.id: record}, {record.id: found})
            return record.person()

    def rename(self, who: Who, new: str) -> Person:
        """Give a person another name."""
        who, new = checked_who(who), checked_name(new)
        with self._writing() as (view, writer):
            found = view.get(who)
            if found.record.name == new:
                return found.record.person()
            if view.find(new):
                raise name_taken(new)
            record = replace(found.record, name=new)
            writer.commit({record.id: record}, {record.id: found})
            return record.person()

    def merge(self, source: Who, into: Who) -> Person:
        """Move all of one person's templates to another and remove the first."""
        source, into = checked_who(source), checked_who(into)
        with self._writing() as (view, writer):
            gone, kept = view.get(source), view.get(into)
            goes, stays = gone.record.person(), kept.record.person()
            two_people(goes, stays)
            pairs = hand_over(writer, view.rows_of(gone.record, embeddings=True), kept.record.id)
            rows = tuple(sorted(kept.record.rows + pairs))
            record = replace(kept.record.annotated(*united(stays, goes)), rows=rows)
            writer.commit({record.id: record, gone.record.id: None}, {record.id: kept, gone.record.id: gone})
            return record.person()

    def move_template(self, template_id: int, to: str) -> Moved:
        """Move one template to another person, who is added when new."""
        to = checked_name(to)
        with self._writing() as (view, writer):
            source, row = view.owner(template_id)
            target = view.find(to)
            if target and target.record.id == source.record.id:
                return Moved(target.record.person(), to, target.record.id, False)
            record = target.record if target else new_record(writer.next_person(), to)
            pairs = hand_over(writer, [row], record.id)
            record = replace(record, rows=tuple(sorted(record.rows + pairs)))
            rest = tuple(pair for pair in source.record.rows if pair[0] != template_id)
            left = replace(source.record, rows=rest) if rest else None
            writer.commit(
                {record.id: record, source.record.id: left}, {record.id: target, source.record.id: source}
            )
            return Moved(record.person(), source.record.name, source.record.id, left is None)

    def remove_template(self, template_id: int) -> Receipt:
        """Remove one template; the person stays, if need be without any."""
        with self._writing() as (view, writer):
            found, row = view.owner(template_id)
            rest = tuple(pair for pair in found.record.rows if pair[0] != template_id)
            writer.commit({found.record.id: replace(found.record, rows=rest)}, {found.record.id: found})
            return receipt(found.record, [row])

    def erase(self, who: Who, *, today: date | None = None) -> Receipt:
        """Remove a person and everything held of them."""
        who = checked_who(who)
        with self._writing() as (view, writer):
            found = view.get(who)
            past(found.record.person(), today)
            # As far as they are there: also somebody who is damaged can be erased.
            rows = view.rows([row for _, row in found.record.rows])
            writer.commit({found.record.id: None}, {found.record.id: found})
            return receipt(found.record, rows)

    def count_people(self) -> int:
        """How many people there are."""
        return self._read(lambda view: view.newest(self._writer.known).people)

    def count_templates(self) -> int:
        """How many templates a probe is compared with."""
        return self._read(lambda view: view.newest(self._writer.known).templates)

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first; exact unless the index is HNSW."""
        probes = np.ascontiguousarray(probes, np.float32)
        searchable(probes, k, self.contract.dimension)
        return self._read(lambda view: Search(view, k, self._address.ef).run(probes))

    def crop(self, template_id: int) -> KeptCrop:
        """One template's crop, if it was kept."""

        def read(view: View) -> KeptCrop:
            found, row = view.owner(template_id)
            return kept_crop(view, found.record, row)

        return self._read(read)

    def crops(self) -> Iterator[KeptCrop]:
        """Every template's crop, if it was kept."""
        order = self._read(
            lambda view: sorted(
                (template, row) for each in view.everybody() for template, row in each.record.rows
            )
        )
        for template, _ in order:

            def read(view: View, template: int = template) -> KeptCrop | None:
                owner = view.find_owner(template)
                return owner and kept_crop(view, owner[0].record, owner[1])

            if crop := self._read(read):  # not removed meanwhile
                yield crop

    def held(self, number: int) -> list[Held]:
        """A person's templates with all that is kept of them, oldest first."""

        def read(view: View) -> list[Held]:
            record = view.get(number).record
            return [
                (row.template(record.name), row.new(view.crop(row.number) if row.crop else None))
                for row in view.rows_of(record, embeddings=True)
            ]

        return self._read(read)

    def take(self, people: Sequence[tuple[Person, Sequence[Held]]]) -> None:
        """Add people as another gallery holds them."""
        for _, held in people:
            for _, new in held:
                check(new, self.contract.dimension)
        with self._writing() as (view, writer):
            take(view, writer, people)

    def last(self) -> Last:
        """Up to where numbers were given."""
        found = self._read(lambda view: view.newest(self._writer.known))
        return found.last_person, found.last_template

    def begin_after(self, last: Last) -> None:
        """Give nobody new a number up to these."""
        with self._writing() as (_, writer):
            if writer.raise_numbers(*last):
                writer.commit({}, {})

    def replace_all(
        self,
        contract: Contract,
        embeddings: Mapping[int, NDArray[np.float32]],
        dropped: Collection[int] = (),
    ) -> list[str]:
        """Move the gallery to another model: templates that are dropped are removed."""
        for embedding in embeddings.values():
            embedding_bytes(embedding, contract.dimension)
        with self._writing() as (_, writer):
            left = writer.move_model(contract, embeddings, dropped)
        self.contract = contract
        return sorted(left, key=alphabetical)

    def clear(self) -> bool:
        """Nothing that a client could do: the server frees space when it compacts."""
        return False

    def close(self) -> None:
        """Close it; a closed gallery cannot be used again."""
        if self._open:
            self._open = False
            sharing.give_back(self._address)

    def _begin(self, contract: Contract | None) -> headers.Header:
        """The header, after making the gallery where there is none."""
        names = self._connection.collections()
        moment = self._connection.moment()
        found = None
        if self._address.name in names:
            self._connection.load(self._address.name)
            found = headers.read_header(self._connection, moment)
        if found is None:
            if contract is None:
                raise headers.missing(self._address)
            headers.make_root(self._connection)
            self._writer.make(contract, self._address.index or "flat")
            found = headers.read_header(self._connection, self._connection.moment())
            if found is None:
                raise headers.missing(self._address)
        for collection in found.names(self._address.name).all:
            self._connection.load(collection)
        if contract is not None:
            agree(contract, found.contract, self._address.shown)
        return found

    @contextmanager
    def _writing(self) -> Iterator[tuple[View, Writer]]:
        """The right to make changes of a gallery that is still of our contract."""
        self._check_open()
        try:
            with self._writer.writing(self.contract) as view:
                yield view, self._writer
        except CollectionMissing as error:
            raise headers.missing(self._address) from error

    def _read(self, reading: Callable[[View], T]) -> T:
        """What is read of one state of a gallery that is still of our contract."""
        for again in (True, False):
            self._check_open()
            moment = self._connection.moment()
            found = headers.read_header(self._connection, moment)
            if found is None:
                break
            agree(self.contract, found.contract, self._address.shown)
            try:
                return reading(View(self._connection, found, moment))
            except CollectionMissing:
                # The gallery was moved to another model in between: the header says to which.
                if not again:
                    break
        raise headers.missing(self._address)

    def _check_open(self) -> None:
        if not self._open:
            raise GalleryUnavailable(f"The gallery {self._address.shown} was closed.", hint="Open it again.")
