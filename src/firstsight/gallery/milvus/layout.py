"""How a gallery lies in Milvus.

Milvus has no transactions and no unique keys, and replaces a row by removing it and adding another.
So no row is ever replaced. Each change of people is one new row, numbered, in the collection of
people: it holds the new state of one person or of two, with the numbers of the rows that hold their
templates. Writing it is the moment at which the change is made. Templates and crops are written
before, and are not seen as long as no person names them; what a change supersedes is removed after
it, and, should we die before that, by the next who writes: each row says which call it is of, so that
all of the last one is found. What a copy brings has its numbers already, which do not tell of which call
it is; so a row that changes nobody says first whose it is going to be.

``NAME``                 the root: which model made the gallery, who writes now, crops
``NAME_gG_people``       changes of people, G counting the models that the gallery had
``NAME_gG_templates``    templates, searched by the server
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from firstsight.errors import UsageError
from firstsight.gallery.milvus.connection import TEXT, Row
from firstsight.gallery.records import Person
from firstsight.gallery.text import day, now, read_day, read_time, storable

BLANK: Final = [1.0, 0.0]
"""Every collection of Milvus needs a vector."""
BEACONS: Final = 1 << 31
"""Rows of the root from here on: the number of a change, none of which is the newest but by a few."""
CROPS: Final = 1 << 32
"""Rows of the root from here on: crops, each in up to ``PARTS`` of them."""
PARTS: Final = 16
FORMERLY: Final = 500
"""Changes that a call could hold of which no row says where it began: earlier versions wrote none."""
PART: Final = 45_000
"""Bytes of a crop in one row, which holds them as base64."""


@dataclass(frozen=True, slots=True)
class Names:
    """Of a gallery's collections."""

    root: str
    people: str
    templates: str

    @property
    def all(self) -> tuple[str, str, str]:
        """Each of them."""
        return self.root, self.people, self.templates

    @classmethod
    def of(cls, gallery: str, generation: int) -> Names:
        """Those of the gallery's n-th model."""
        stem = f"{gallery}_g{generation}"
        return cls(gallery, f"{stem}_people", f"{stem}_templates")


@dataclass(frozen=True, slots=True)
class Record:
    """A person as a change left them."""

    id: int
    name: str
    created: str
    consent: str
    until: str | None
    notes: str
    rows: tuple[tuple[int, int], ...]
    """Number of each template, oldest first, and of the row that holds it."""

    def person(self) -> Person:
        """As users see them."""
        until = read_day(self.until)
        return Person(
            self.id, self.name, read_time(self.created), self.consent, until, self.notes, len(self.rows)
        )

    def annotated(
        self, consent: str | None, until: date | None, notes: str | None, *, no_date: bool = False
    ) -> Record:
        """With other notes; None leaves them as they are."""
        return replace(
            self,
            consent=self.consent if consent is None else storable(consent),
            until=None if no_date else day(until) if until else self.until,
            notes=self.notes if notes is None else storable(notes),
        )


def new_record(number: int, name: str) -> Record:
    """Somebody without templates."""
    return Record(number, name, now(), "", None, "", ())


@dataclass(frozen=True, slots=True)
class Totals:
    """What there was after a change."""

    change: int = 0
    people: int = 0
    templates: int = 0
    last_person: int = 0
    """The highest number that was given."""
    last_template: int = 0

    def changed(self, before: Sequence[Record], after: Sequence[Record]) -> Totals:
        """After one more change, of people as they were and as they are."""
        return replace(
            self,
            change=self.change + 1,
            people=self.people + len(after) - len(before),
            templates=self.templates
            + sum(len(record.rows) for record in after)
            - sum(len(record.rows) for record in before),
        )

    def beyond(self, person: int, template: int) -> Totals:
        """With no number up to these still to be given."""
        return replace(
            self,
            last_person=max(self.last_person, person),
            last_template=max(self.last_template, template),
        )

    def leaving_out(self, numbers: int) -> Totals:
        """With so many numbers of each kind that are never given."""
        return replace(
            self,
            change=self.change + numbers,
            last_person=self.last_person + numbers,
            last_template=self.last_template + numbers,
        )


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a writer's: what it may leave undone should it die."""

    change: int
    """Its first change."""
    template: int
    """Templates with higher numbers, and their crops, were written in it."""

    @classmethod
    def whole(cls, totals: Totals) -> Call:
        """One that left nothing undone, with the change that it ended with."""
        return cls(totals.change, totals.last_template)


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the collection of people."""

    totals: Totals
    records: tuple[tuple[int, Record | None], ...]
    """New state of one person or two, by number; None of those who are removed.

    Of nobody where only numbers go on: in a gallery that was moved to another model when it was empty, or
    that is a copy.
    """
    supersedes: tuple[int, ...]
    """Rows of which nothing holds any more; where somebody is removed, every row that holds them."""
    call: Call
    """In which it is made."""
    taking: tuple[int, int] | None = None
    """The first and the last of whom templates are written in it, by numbers that they had elsewhere."""

    @property
    def pk(self) -> int:
        """Number of the row, which is the change's."""
        return self.totals.change


CHANGE_FIELDS: Final[dict[str, int | None]] = {
    **dict.fromkeys(("a", "b", "key_a", "key_b")),
    **dict.fromkeys(("people", "templates", "last_person", "last_template")),
    "body": TEXT,
}
TEMPLATE_FIELDS: Final[dict[str, int | None]] = {"template": None, "person": None, "body": TEXT}
ROOT_FIELDS: Final[dict[str, int | None]] = {"body": TEXT}


def key_of(name: str) -> int:
    """What a name is looked up by: so no name stands in what we ask, or in a server's log of it."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def change_row(change: Change) -> Row:
    """A change, as stored.

    Raises:
        UsageError: it is too long for Milvus.
    """
    body = json.dumps(
        {
            "people": [
                {"id": number}
                if record is None
                else {
                    "id": number,
                    "name": record.name,
                    "created": record.created,
                    "consent": record.consent,
                    "until": record.until,
                    "notes": record.notes,
                    "rows": [
                        template if template == row else [template, row] for template, row in record.rows
                    ],
                }
                for number, record in change.records
            ],
            "supersedes": change.supersedes,
            "call": [change.call.change, change.call.template],
            **({"taking": change.taking} if change.taking else {}),
        },
        separators=(",", ":"),
    )
    if len(body) > TEXT:
        raise UsageError(
            "Notes and photos of one person are too long for Milvus.",
            hint="A person can have about 50,000 letters of notes, or about 5,000 photos.",
        )
    (a, first), (b, second) = (*change.records, (0, None), (0, None))[:2]
    return {
        "pk": change.pk,
        "a": a,
        "b": b,
        "key_a": key_of(first.name) if first else 0,
        "key_b": key_of(second.name) if second else 0,
        "people": change.totals.people,
        "templates": change.totals.templates,
        "last_person": change.totals.last_person,
        "last_template": change.totals.last_template,
        "body": body,
        "vector": BLANK,
    }


def read_totals(row: Row) -> Totals:
    """What there was after a change, from its row."""
    return Totals(row["pk"], row["people"], row["templates"], row["last_person"], row["last_template"])


def read_records(row: Row) -> tuple[tuple[int, Record | None], ...]:
    """The people of a change, from its row."""
    return tuple((each["id"], _record(each)) for each in json.loads(row["body"])["people"])


def read_superseded(row: Row) -> tuple[int, ...]:
    """The rows of which nothing holds any more after a change, from its row."""
    return tuple(json.loads(row["body"])["supersedes"])


def read_call(row: Row, last_template: int) -> Call:
    """The call in which a change was made, from its row, and the last number that it gave."""
    first, template = json.loads(row["body"]).get("call", (row["pk"] - FORMERLY + 1, last_template))
    return Call(first, template)


def read_taking(row: Row) -> tuple[int, int] | None:
    """Of whom templates are written in the call of a change, if it says so, from its row."""
    people = json.loads(row["body"]).get("taking")
    return (people[0], people[1]) if people else None


def _record(value: dict[str, Any]) -> Record | None:
    if "name" not in value:
        return None
    rows = tuple((each, each) if isinstance(each, int) else (each[0], each[1]) for each in value["rows"])
    return Record(
        value["id"],
        value["name"],
        value["created"],
        value["consent"],
        value["until"],
        value["notes"],
        rows,
    )


def crop_rows(template: int, crop: bytes | None) -> list[Row]:
    """A crop, as stored.

    Raises:
        UsageError: it is too large for Milvus.
    """
    parts = [crop[start : start + PART] for start in range(0, len(crop), PART)] if crop else []
    if len(parts) > PARTS:
        raise UsageError(
            f"A crop of {len(crop or b''):,} bytes is too large for Milvus.",
            hint=f"Keep at most {PART * PARTS:,} bytes, or none.",
        )
    return [
        {"pk": number, "body": base64.b64encode(part).decode(), "vector": BLANK}
        for number, part in zip(crop_numbers(template), parts, strict=False)
    ]


def crop_numbers(template: int) -> range:
    """The rows that a template's crop may have."""
    return range(CROPS + PARTS * template, CROPS + PARTS * (template + 1))


def read_crop(rows: Sequence[Row]) -> bytes | None:
    """A crop from its rows."""
    ordered = sorted(rows, key=lambda row: int(row["pk"]))
    return b"".join(base64.b64decode(row["body"]) for row in ordered) or None
