"""Rows of templates and crops, before a change names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from firstsight.errors import NameTaken, UsageError
from firstsight.gallery.milvus.connection import TEXT, Row
from firstsight.gallery.milvus.layout import Record, crop_rows, new_record
from firstsight.gallery.milvus.view import Found, TemplateRow, View, template_row
from firstsight.gallery.milvus.writer import Writer
from firstsight.gallery.names import Who, checked_name
from firstsight.gallery.records import KeptCrop, NewTemplate, Person, Receipt, Template
from firstsight.gallery.refusals import fits, name_taken, no_place_for, nobody_is
from firstsight.gallery.store import Held, Named
from firstsight.gallery.text import day, moment, now, storable


def check(template: NewTemplate, dimension: int) -> None:
    """See that a template can be stored.

    Raises:
        UsageError: it cannot.
    """
    fits(template, dimension)
    if len(storable(template.source)) > TEXT // 8:
        raise UsageError("The name of a photo is too long for Milvus.", hint="Shorten it.")


def add_each(
    view: View,
    writer: Writer,
    named: Sequence[Named],
    noted: tuple[str | None, date | None, str | None],
    newcomer: bool = False,
) -> list[Record]:
    """Add templates that were checked to people; a change for each person.

    Args:
        view: what there is.
        writer: writes.
        named: checked names, of whom those that are new are added, or numbers; and their templates.
        noted: consent, last day and notes of all.
        newcomer: whether all of them have to be new.

    Returns:
        For each of ``named`` the person as they are afterwards.

    Raises:
        NoSuchPerson: nobody has one of the numbers.
        NameTaken: somebody is there who was to be a newcomer.
    """
    found = view.by_numbers(who for who, _ in named if not isinstance(who, str))
    for who, _ in named:
        if not isinstance(who, str) and who not in found:
            raise nobody_is(who)
    called = view.find_all(who for who, _ in named if isinstance(who, str))
    found |= {each.record.id: each for each in called.values()}
    numbers: dict[Who, int] = {name: each.record.id for name, each in called.items()}
    records = {number: each.record for number, each in found.items()}
    staged, crops = [], []
    for who, new in named:
        number = who if not isinstance(who, str) else numbers.get(who)
        if number is not None and newcomer:
            raise name_taken(records[number].name)
        if number is None:
            number = numbers[who] = writer.next_person()
            records[number] = new_record(number, str(who))
        record = records[number]
        rows, parts = staged_rows(writer, number, new)
        pairs = tuple((row["template"], row["pk"]) for row in rows)
        records[number] = replace(record, rows=record.rows + pairs).annotated(*noted)
        staged += rows
        crops += parts
    if named:
        writer.stage(staged, crops)
        writer.commit_each(
            [({number: record}, {number: found.get(number)}) for number, record in records.items()]
        )
    return [records[numbers[who] if isinstance(who, str) else who] for who, _ in named]


def take(view: View, writer: Writer, people: Sequence[tuple[Person, Sequence[Held]]]) -> None:
    """Add people as another gallery holds them, with templates that were checked.

    Raises:
        NameTaken: somebody has one of the names or numbers.
    """
    taken = view.by_numbers(person.id for person, _ in people)
    named = view.find_all(checked_name(person.name) for person, _ in people)
    for person, _ in people:
        if person.id in taken or person.name in named:
            raise no_place_for(person)
    if not people:
        return
    numbers = [template.id for _, held in people for template, _ in held]
    make_way(view, numbers)
    call = writer.announce([person.id for person, _ in people])
    staged: list[Row] = []
    crops: list[Row] = []
    changes: list[tuple[dict[int, Record | None], dict[int, Found | None]]] = []
    for person, held in people:
        for template, new in held:
            crops += crop_rows(template.id, new.crop)
            staged.append(template_row(taken_row(person.id, template, new)))
        record = Record(
            person.id,
            person.name,
            person.created.isoformat(timespec="seconds"),
            person.consent,
            day(person.retain_until),
            person.notes,
            tuple((template.id, template.id) for template, _ in held),
        )
        changes.append(({record.id: record}, {record.id: None}))
    writer.raise_numbers(max(person.id for person, _ in people), max(numbers, default=0))
    writer.stage(staged, crops)
    writer.commit_each(changes, call)


def staged_rows(writer: Writer, person: int, new: Sequence[NewTemplate]) -> tuple[list[Row], list[Row]]:
    """Rows of new templates and of their crops."""
    staged, crops = [], []
    for template in new:
        number = writer.next_template()
        crops += crop_rows(number, template.crop)
        row = TemplateRow(
            number,
            number,
            person,
            now(),
            storable(template.source),
            float(template.quality),
            bool(template.crop),
            template.embedding,
        )
        staged.append(template_row(row))
    return staged, crops


def taken_row(person: int, template: Template, new: NewTemplate) -> TemplateRow:
    """A template's row, as another gallery has it."""
    created = template.created.isoformat(timespec="seconds")
    number, source, quality = template.id, template.source, template.quality
    return TemplateRow(number, number, person, created, source, quality, bool(new.crop), new.embedding)


def hand_over(writer: Writer, rows: Sequence[TemplateRow], person: int) -> tuple[tuple[int, int], ...]:
    """Write templates once more, as another person's: number and row of each."""
    copies = [(row, writer.next_template()) for row in rows]
    writer.stage([template_row(row, row=copy, person=person) for row, copy in copies], [])
    return tuple((row.number, copy) for row, copy in copies)


def kept_crop(view: View, record: Record, row: TemplateRow) -> KeptCrop:
    """A template's crop, with what is known of it."""
    return KeptCrop(row.number, record.name, row.source, view.crop(row.number) if row.crop else None)


def receipt(record: Record, removed: Sequence[TemplateRow]) -> Receipt:
    """What was removed. Milvus frees the space of it later, so we cannot say that no trace is left."""
    crops = sum(row.crop for row in removed)
    return Receipt(record.name, record.id, len(removed), crops, moment(), False)


def make_way(view: View, numbers: Sequence[int]) -> None:
    """Remove rows of templates that nobody names: what is left of a copy that was killed.

    Raises:
        NameTaken: somebody names one.
    """
    rows = view.rows(numbers)
    people = view.by_numbers({row.person for row in rows})
    for row in rows:
        found = people.get(row.person)
        if found and (row.number, row.row) in found.record.rows:
            raise NameTaken(
                f"A photo of {found.record.name!r} has the number {row.number} already.",
                hint="Copy to a gallery that is empty.",
            )
    view.connection.delete(view.names.templates, [row.row for row in rows])
