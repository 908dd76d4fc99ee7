"""What a writer leaves undone when it dies: of its last call, or of a move to another model."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from firstsight.gallery.milvus.connection import AT_A_TIME, Row
from firstsight.gallery.milvus.layout import (
    CROPS,
    PARTS,
    Call,
    Record,
    Totals,
    read_call,
    read_records,
    read_superseded,
    read_taking,
)
from firstsight.gallery.milvus.view import Found, View


@dataclass(frozen=True, slots=True)
class Undone:
    """What is left to do of the last call."""

    call: Call
    old: tuple[Found, ...]
    """What people were, of whom the rows that say so are still there."""
    new: tuple[Record, ...]
    """What they are."""
    spent: tuple[int, ...]
    """The rows that have to go."""
    shared: tuple[int, tuple[Record, ...]] | None
    """A row that holds how two people are, and those of them who have no row of their own yet."""
    tombstone: int
    """The last change, if all it says is who was removed."""
    templates: tuple[int, ...]
    """Rows that nobody names."""
    crops: tuple[int, ...]

    @property
    def highest(self) -> int:
        """The highest number among those rows, which is not given again; 0 where there are none."""
        return max([*self.templates, *((each - CROPS) // PARTS for each in self.crops)], default=0)


def undone(view: View, totals: Totals) -> Undone:
    """What is left to do.

    Of the last call only: no writer makes a change before all calls before are done.
    """
    query, names = view.connection.query, view.names
    last = query(names.people, f"pk == {totals.change}", ("pk", "body"), view.moment)
    call = read_call(last[0], totals.last_template) if last else Call(1, totals.last_template)
    rows = query(names.people, f"pk >= {call.change}", ("pk", "body"), view.moment) if last else []
    rows.sort(key=lambda row: int(row["pk"]))
    now = {number: (row, record) for row in rows for number, record in read_records(row)}
    new = tuple(record for _, record in now.values() if record)
    there = _there(view, {pk for row in rows for pk in read_superseded(row)})
    named = {pair for record in new for pair in record.rows}
    staged = query(names.templates, f"pk > {call.template}", ("pk",), view.moment)
    crops = query(names.root, f"pk >= {CROPS + PARTS * (call.template + 1)}", ("pk",), view.moment)
    taken = _taken(view, rows)
    kept = {number for number, _ in named}
    shared = [
        (int(row["pk"]), tuple(record for _, record in people if record and now[record.id][0] is row))
        for row in rows
        if len(people := read_records(row)) == 2 and all(record for _, record in people)
    ]
    return Undone(
        call,
        tuple(found for row in rows for found in _before(row, there)),
        new,
        tuple(sorted(there)),
        next((each for each in shared if each[1]), None),
        totals.change if rows and not any(record for _, record in read_records(rows[-1])) else 0,
        tuple(sorted(({int(row["pk"]) for row in staged} - {row for _, row in named}) | taken.keys())),
        tuple(
            sorted(
                {row["pk"] for row in crops if (row["pk"] - CROPS) // PARTS not in kept}
                | _crops(view, set(taken.values()))
            )
        ),
    )


def _taken(view: View, rows: Iterable[Row]) -> dict[int, int]:
    """Rows that a copy wrote and nobody names, with the numbers of their templates."""
    found = [
        each
        for first, last in filter(None, map(read_taking, rows))
        for each in view.connection.query(
            view.names.templates,
            f"person >= {first} and person <= {last}",
            ("pk", "template", "person"),
            view.moment,
        )
    ]
    people = view.by_numbers({each["person"] for each in found})
    named = {pair for each in people.values() for pair in each.record.rows}
    return {each["pk"]: each["template"] for each in found if (each["template"], each["pk"]) not in named}


def _crops(view: View, templates: Collection[int]) -> set[int]:
    """The rows of these templates' crops."""
    if not templates:
        return set()
    first, last = CROPS + PARTS * min(templates), CROPS + PARTS * (max(templates) + 1)
    rows = view.connection.query(view.names.root, f"pk >= {first} and pk < {last}", ("pk",), view.moment)
    return {row["pk"] for row in rows if (row["pk"] - CROPS) // PARTS in templates}


def _there(view: View, changes: Iterable[int]) -> dict[int, Row]:
    """Those of the rows that are still there, by number."""
    wanted = sorted(changes)
    return {
        int(row["pk"]): row
        for start in range(0, len(wanted), AT_A_TIME)
        for row in view.connection.query(
            view.names.people, f"pk in {wanted[start : start + AT_A_TIME]}", ("pk", "body"), view.moment
        )
    }


def _before(row: Row, there: Mapping[int, Row]) -> Iterable[Found]:
    """What the people of a change were, as far as it is still there."""
    numbers = {number for number, _ in read_records(row)}
    found = {}
    for pk in sorted(there.keys() & set(read_superseded(row))):
        for number, record in read_records(there[pk]):
            if record and number in numbers:
                # The newest: photos that only an older row names went, or were moved, long ago.
                found[number] = Found(pk, record, False)
    return found.values()


def drop_others(view: View) -> None:
    """Remove what is left of a move to another model, before which or after which we died."""
    names = view.names
    stem = f"{names.root}_g"
    others = [
        each
        for each in view.connection.collections()
        if re.fullmatch(rf"{stem}\d+_(people|templates)", each) and each not in names.all
    ]
    if not others:
        return
    kept = {number for found in view.everybody() for number, _ in found.record.rows}
    crops = view.connection.query(names.root, f"pk >= {CROPS}", ("pk",), view.moment)
    gone = [row["pk"] for row in crops if (row["pk"] - CROPS) // PARTS not in kept]
    view.connection.delete(names.root, gone)
    for collection in others:
        view.connection.drop(collection)
