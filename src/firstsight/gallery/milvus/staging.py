"""Rows of templates and crops, before a change names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from firstsight.errors import NameTaken, UsageError
from firstsight.gallery.milvus.connection import TEXT, Row
from firstsight.gallery.milvus.layout import Record, crop_rows, new_record
from firstsight.gallery.milvus.view import TemplateRow, View, template_row
from firstsight.gallery.milvus.writer import Writer
from firstsight.gallery.records import KeptCrop, NewTemplate, Receipt, Template
from firstsight.gallery.refusals import fits
from firstsight.gallery.store import Named
from firstsight.gallery.text import moment, now, storable


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
) -> dict[str, Record]:
    """Add templates that were checked to people, who are added when new; a change for each person.

    Args:
        view: what there is.
        writer: writes.
        named: checked names and their templates.
        noted: consent, last day and notes of all.

    Returns:
        Everybody as they are afterwards, by name.
    """
    found = view.find_all(name for name, _ in named)
    records = {name: each.record for name, each in found.items()}
    staged, crops = [], []
    for name, new in named:
        record = records.get(name) or new_record(writer.next_person(), name)
        rows, parts = staged_rows(writer, record.id, new)
        pairs = tuple((row["template"], row["pk"]) for row in rows)
        records[name] = replace(record, rows=record.rows + pairs).annotated(*noted)
        staged += rows
        crops += parts
    if named:
        writer.stage(staged, crops)
        writer.commit_each(
            [({record.id: record}, {record.id: found.get(name)}) for name, record in records.items()]
        )
    return records


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
