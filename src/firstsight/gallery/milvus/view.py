"""People and templates of a gallery in Milvus, as they are at one moment."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import GalleryCorrupt
from firstsight.gallery.milvus.connection import AT_A_TIME, Connection
from firstsight.gallery.milvus.header import Header
from firstsight.gallery.milvus.layout import (
    Names,
    Record,
    Totals,
    crop_numbers,
    key_of,
    read_crop,
    read_records,
    read_totals,
)
from firstsight.gallery.names import Who
from firstsight.gallery.records import NewTemplate, Template
from firstsight.gallery.refusals import no_photo, nobody_is
from firstsight.gallery.text import read_time

WINDOW: Final = 2048
"""Numbers of people that are asked for in one call, when all are read."""
TOTALS: Final = ("pk", "people", "templates", "last_person", "last_template")


@dataclass(frozen=True, slots=True)
class Found:
    """A person, and the change that left them so."""

    pk: int
    record: Record
    shared: bool
    """Whether that change holds somebody else, too."""


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template, as stored."""

    row: int
    number: int
    person: int
    created: str
    source: str
    quality: float
    crop: bool
    embedding: NDArray[np.float32] | None

    def template(self, person: str) -> Template:
        """As users see it."""
        return Template(self.number, person, read_time(self.created), self.source, self.quality, self.crop)

    def new(self, crop: bytes | None) -> NewTemplate:
        """As it was given, with its crop."""
        assert self.embedding is not None  # noqa: S101 - rows that are copied were read with it
        return NewTemplate(self.embedding, self.source, self.quality, crop)


@dataclass(frozen=True, slots=True)
class View:
    """Reads what was acknowledged until a moment, and maybe some of what came after it."""

    connection: Connection
    header: Header
    moment: int
    own: dict[int, Found | None] = field(default_factory=dict)
    """People whom we changed after the moment; None of those whom we removed."""
    named: dict[str, int] = field(default_factory=dict)
    """Their numbers by name."""

    @property
    def names(self) -> Names:
        """Of the collections."""
        return self.header.names(self.connection.address.name)

    def newest(self, known: int = 0) -> Totals:
        """What there is in all; ``known`` is a change that was made, if one is known."""
        since = max(self.header.beacon, known)
        rows = self.connection.query(self.names.people, f"pk >= {since}", TOTALS, self.moment)
        return max((read_totals(row) for row in rows), key=lambda each: each.change, default=Totals())

    def by_numbers(self, numbers: Iterable[int]) -> dict[int, Found]:
        """People of these numbers, as far as there are any."""
        wanted = set(numbers)
        asked = sorted(wanted - self.own.keys())
        found: dict[int, Found] = {}
        for start in range(0, len(asked), AT_A_TIME):
            part = asked[start : start + AT_A_TIME]
            found |= self._current(f"a in {part} or b in {part}", set(part))
        return found | {number: own for number in wanted if (own := self.own.get(number))}

    def find(self, name: str) -> Found | None:
        """The person of that name, if there is one."""
        return self.find_all([name]).get(name)

    def find_all(self, names: Iterable[str]) -> dict[str, Found]:
        """People of these names, as far as there are any."""
        wanted = set(names)
        held = {name: own for name in wanted if (own := self.own.get(self.named.get(name, 0)))}
        keys = sorted({key_of(name) for name in wanted - held.keys()})
        numbers: set[int] = set()
        for start in range(0, len(keys), AT_A_TIME):
            part = keys[start : start + AT_A_TIME]
            rows = self.connection.query(
                self.names.people, f"key_a in {part} or key_b in {part}", ("pk", "body"), self.moment
            )
            numbers |= {
                number
                for row in rows
                for number, record in read_records(row)
                if record and record.name in wanted
            }
        # Only the newest state of each counts: they may have another name by now.
        found = self.by_numbers(numbers - self.own.keys())
        for each in sorted(found.values(), key=lambda each: each.record.id):
            if each.record.name in wanted:
                held.setdefault(each.record.name, each)
        return held

    def get(self, who: Who) -> Found:
        """The person of that name or number.

        Raises:
            NoSuchPerson: there is none.
        """
        found = self.find(who) if isinstance(who, str) else self.by_numbers([who]).get(who)
        if found is None:
            raise nobody_is(who)
        return found

    def everybody(self, after: int = 0, last: int | None = None, window: int = WINDOW) -> Iterator[Found]:
        """People whose number is above ``after``, in the order of enrolment, asked for by windows."""
        last = self.newest().last_person if last is None else last
        while after < last:
            upto = min(after + min(window, WINDOW), last)
            window *= 4
            found = self._current(
                f"(a > {after} and a <= {upto}) or (b > {after} and b <= {upto})",
                range(after + 1, upto + 1),
            )
            yield from (found[number] for number in sorted(found))
            after = upto

    def rows_of(self, record: Record, *, embeddings: bool = False) -> list[TemplateRow]:
        """A person's templates, oldest first.

        Raises:
            GalleryCorrupt: one is missing.
        """
        held = {each.row: each for each in self.rows([row for _, row in record.rows], embeddings)}
        if held.keys() != {row for _, row in record.rows}:
            raise GalleryCorrupt(
                f"A photo of {record.name} is missing in {self.connection.address.shown}.",
                hint="Restore the gallery from a backup.",
            )
        return [held[row] for _, row in record.rows]

    def rows(self, numbers: Sequence[int], embeddings: bool = False) -> list[TemplateRow]:
        """Rows of templates by their numbers, whether anybody names them or not."""
        step = AT_A_TIME // 4 if embeddings else AT_A_TIME
        return [
            each
            for start in range(0, len(numbers), step)
            for each in self._template_rows(f"pk in {list(numbers[start : start + step])}", embeddings)
        ]

    def owner(self, template: int) -> tuple[Found, TemplateRow]:
        """Whose template it is, and its row.

        Raises:
            NoSuchTemplate: there is none of that number.
        """
        if (found := self.find_owner(template)) is None:
            raise no_photo(template)
        return found

    def find_owner(self, template: int) -> tuple[Found, TemplateRow] | None:
        """Whose template it is, and its row, if there is one."""
        rows = self._template_rows(f"template == {template}", embeddings=True)
        people = self.by_numbers({row.person for row in rows})
        for row in rows:
            found = people.get(row.person)
            if found and (template, row.row) in found.record.rows:
                return found, row
        return None

    def holding(self, removed: Collection[int], changed: Collection[int]) -> set[int]:
        """Every row that holds people who are removed, superseded long ago or not.

        Not one that says how somebody is who is not changed with them.
        """
        wanted = sorted(removed)
        rows = self.connection.query(
            self.names.people,
            f"a in {wanted} or b in {wanted}",
            ("pk", "body"),
            self.connection.moment(),  # not the view's: what we wrote since counts
        )
        others = {number for row in rows for number, record in read_records(row) if record}
        kept = {found.pk for found in self.by_numbers(others - set(changed)).values()}
        return {int(row["pk"]) for row in rows} - kept

    def crop(self, template: int) -> bytes | None:
        """A template's crop, if it was kept."""
        rows = self.connection.query(
            self.names.root, f"pk in {list(crop_numbers(template))}", ("pk", "body"), self.moment
        )
        return read_crop(rows)

    def _template_rows(self, filter_: str, embeddings: bool) -> list[TemplateRow]:
        fields = ("pk", "template", "person", "body", *(["vector"] if embeddings else []))
        # Of now, not of the moment: a writer may have added them since.
        moment = self.connection.moment() if self.own else self.moment
        found = []
        for row in self.connection.query(self.names.templates, filter_, fields, moment):
            body = json.loads(row["body"])
            embedding = np.array(row["vector"], np.float32) if embeddings else None
            found.append(
                TemplateRow(
                    row["pk"],
                    row["template"],
                    row["person"],
                    body["created"],
                    body["source"],
                    body["quality"],
                    body["crop"],
                    embedding,
                )
            )
        return found

    def _current(self, filter_: str, wanted: Iterable[int]) -> dict[int, Found]:
        """The newest state of each that is wanted, from all rows that hold them."""
        rows = self.connection.query(self.names.people, filter_, ("pk", "body"), self.moment)
        newest: dict[int, Found | None] = {}
        for row in sorted(rows, key=lambda row: int(row["pk"])):
            people = read_records(row)
            shared = all(record for _, record in people) and len(people) == 2
            for number, record in people:
                newest[number] = Found(row["pk"], record, shared) if record else None
        return {number: found for number, found in newest.items() if found and number in wanted}


def template_row(
    view_row: TemplateRow, *, row: int | None = None, person: int | None = None
) -> dict[str, object]:
    """A template, to be stored, maybe as another row and of another person."""
    body = {
        "created": view_row.created,
        "source": view_row.source,
        "quality": view_row.quality,
        "crop": view_row.crop,
    }
    return {
        "pk": view_row.row if row is None else row,
        "template": view_row.number,
        "person": view_row.person if person is None else person,
        "body": json.dumps(body),
        "vector": view_row.embedding,
    }
