"""Changes of a gallery in Milvus: one process at a time, each whole or not at all.

What holds whenever rows of changes are written: of all calls before nothing is left undone. No row
that they superseded is there any more, so the newest row of a person is the only one; none of a
removed person's is, so that the row that says they are removed may go with the next change, and
nobody comes back. Hence whoever takes over, or failed in the middle, finishes the last call, and need
not look further back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import GalleryError, GalleryUnavailable
from firstsight.gallery.milvus import header as headers
from firstsight.gallery.milvus.connection import CollectionMissing, Connection, Row
from firstsight.gallery.milvus.layout import (
    Call,
    Change,
    Names,
    Record,
    Totals,
    change_row,
    crop_numbers,
)
from firstsight.gallery.milvus.lease import Lease
from firstsight.gallery.milvus.mending import drop_others, undone
from firstsight.gallery.milvus.view import Found, View, template_row
from firstsight.gallery.records import Contract
from firstsight.gallery.refusals import agree, foreseen

IDLE: Final = 0.5
"""Seconds after the last change until others may write."""
SKIPPED: Final = 1000
"""Numbers left out after a writer that died, or did not hear: what it wrote may still be on its way."""
BEACON_EVERY: Final = 500
OWN: Final = 20_000
"""People whom a writer remembers having changed."""
FLUSH_AFTER: Final = 4096
"""Templates added until they are written out: what is not is searched slowly."""
BATCH: Final = 500
"""Rows written in one call."""

Replaced = Mapping[int, Found | None]
"""What people were before a change; None of those who were not there."""


class Writer:
    """Makes changes, for all handles of this process on one gallery."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.known = 0
        """A change that was made, so that nobody need look before it."""
        self._lock = threading.RLock()
        self._lease = Lease(connection)
        self._view: View | None = None
        self._totals = Totals()
        self._used = 0.0
        self._timer: threading.Timer | None = None
        self._unflushed = 0
        self._removed = False
        self._tombstone = 0
        """The last change, if all it says is who was removed."""
        self._beacon = 0
        self._finished = 0
        """The last number of a template when the call before was done."""
        self._doubtful = False
        """Whether something may still be on its way that was numbered as what comes next."""

    @contextmanager
    def writing(self, contract: Contract) -> Iterator[View]:
        """The right to make changes, and what there is before them.

        Raises:
            ModelMismatch: the gallery was moved to another model.
            GalleryBusy: another process writes.
        """
        with self._lock:
            try:
                self._begin()
                view = self._current
                agree(contract, view.header.contract, self.connection.address.shown)
                yield view
            except BaseException:
                self._view = None  # what was done is not known for certain: look again
                raise
            finally:
                self._rest()  # also after a refusal: the lease would be renewed for ever

    def make(self, contract: Contract, index: str) -> None:
        """Make the gallery, unless there is one by now."""
        with self._lock:
            self._lease.acquire()
            try:
                if headers.read_header(self.connection, self.connection.moment()) is None:
                    names = Names.of(self.connection.address.name, 1)
                    headers.make_collections(self.connection, names, contract, index)
                    headers.write_header(self.connection, contract, 1, index, 0)
            finally:
                self._lease.release()

    def next_person(self) -> int:
        """A number that nobody had."""
        self._totals = replace(self._totals, last_person=self._totals.last_person + 1)
        return self._totals.last_person

    def next_template(self) -> int:
        """A number that no template and no row had."""
        self._totals = replace(self._totals, last_template=self._totals.last_template + 1)
        return self._totals.last_template

    def raise_numbers(self, person: int, template: int) -> bool:
        """See that no number up to these is given, and tell whether one would have been."""
        before, self._totals = self._totals, self._totals.beyond(person, template)
        return self._totals != before

    def stage(self, templates: Sequence[Row], crops: Sequence[Row]) -> None:
        """Write templates and crops, which nobody sees before a change names them."""
        names = self._current.names
        # Templates first, for by them the crops are found of a copy that was killed.
        for collection, rows in ((names.templates, templates), (names.root, crops)):
            self._insert(collection, rows)
        self._unflushed += len(templates)

    def commit(self, records: Mapping[int, Record | None], replaced: Replaced) -> None:
        """Make a change: of one person, or of two.

        Args:
            records: their new state; None removes them.
            replaced: their state before.
        """
        call = self._call
        self._make([(records, replaced)], call)
        alive = [record for record in records.values() if record]
        if len(alive) == 2:
            self._part(self._totals.change, alive, call)

    def commit_each(
        self, changes: Sequence[tuple[Mapping[int, Record | None], Replaced]], call: Call | None = None
    ) -> None:
        """Make several changes, in this order; should we die, those until some one were made.

        They are of the call that ``announce`` began, or of a new one.
        """
        self._make(changes, call or self._call)

    def announce(self, people: Collection[int]) -> Call:
        """Say, before they are written, of whom rows come with numbers that they had elsewhere.

        Those may be below what was given here long ago: who mends would not know them by their numbers.
        """
        call = self._call
        self._make([({}, {})], call, (min(people), max(people)))
        return call

    @property
    def _call(self) -> Call:
        """The one that begins now."""
        return Call(self._totals.change + 1, self._finished)

    def _part(self, shared: int, records: Sequence[Record], call: Call) -> None:
        """Write a row of its own for each, so that nothing of one is left when the other is erased."""
        for record in records:
            found = Found(shared, record, record is not records[-1])
            self._make([({record.id: record}, {record.id: found})], call)

    def _make(
        self,
        changes: Sequence[tuple[Mapping[int, Record | None], Replaced]],
        call: Call,
        taking: tuple[int, int] | None = None,
    ) -> None:
        view, totals, rows = self._current, self._totals, []
        made: list[tuple[Change, Replaced]] = []
        for records, replaced in changes:
            before = [found.record for found in replaced.values() if found]
            totals = totals.changed(before, [record for record in records.values() if record])
            spent = {found.pk for found in replaced.values() if found and not found.shared}
            if removed := [number for number, record in records.items() if record is None]:
                # All that there are, not the current one alone: it is this row that hides the others.
                spent |= view.holding(removed, records)
            if not made and self._tombstone:
                spent.add(self._tombstone)
            change = Change(totals, tuple(records.items()), tuple(sorted(spent)), call, taking)
            rows.append(change_row(change))
            made.append((change, replaced))
        self._insert(view.names.people, rows)
        self._totals, self.known = totals, totals.change
        self._tombstone = 0 if any(record for _, record in made[-1][0].records) else totals.change
        for change, _ in made:
            self._remember(change)
        self._sweep(
            [each for _, replaced in made for each in replaced.values() if each],
            [record for change, _ in made for _, record in change.records if record],
            sorted({pk for change, _ in made for pk in change.supersedes}),
        )
        self._finished = totals.last_template
        if self._unflushed >= FLUSH_AFTER:
            self._unflushed = 0
            self.connection.tidy(view.names.templates, compact=False)
        if totals.change - self._beacon >= BEACON_EVERY:
            self._set_beacon()

    def _insert(self, collection: str, rows: Sequence[Row]) -> None:
        """Write rows whose numbers were given just now."""
        before = self._doubtful
        for start in range(0, len(rows), BATCH):
            self._lease.check()
            self._doubtful = True  # until we hear
            self.connection.insert(collection, rows[start : start + BATCH])
        self._doubtful = before

    def move_model(
        self, contract: Contract, embeddings: Mapping[int, NDArray[np.float32]], unwanted: Collection[int]
    ) -> list[str]:
        """Move the gallery to another model; templates that are not wanted any more are removed.

        All is written beside what there is; writing the header is the change.

        Returns:
            Names of the people who are left without a template.

        Raises:
            UsageError: there is a template that is neither; nothing was changed.
        """
        view = self._fresh()
        everybody = list(view.everybody(last=self._totals.last_person))
        pairs = (pair for found in everybody for pair in found.record.rows)
        foreseen((number for number, _ in pairs), {*embeddings, *unwanted})
        old, generation = view.names, view.header.generation + 1
        new = Names.of(self.connection.address.name, generation)
        headers.make_collections(self.connection, new, contract, view.header.index)
        totals = replace(self._totals, people=0, templates=0)
        left, dropped, changes, templates = [], [], [], []
        for found in everybody:
            record = found.record
            kept = tuple(pair for pair in record.rows if pair[0] in embeddings)
            dropped += [number for number, _ in record.rows if number not in embeddings]
            for each in view.rows_of(record):
                if each.number in embeddings:
                    stored = replace(each, embedding=embeddings[each.number])
                    templates.append(template_row(stored))
            record = replace(record, rows=kept)
            if not kept:
                left.append(record.name)
            totals = totals.changed([], [record])
            changes.append(change_row(Change(totals, ((record.id, record),), (), Call.whole(totals))))
            if len(changes) >= BATCH or len(templates) >= BATCH:
                self._write(new, templates, changes)
        if not everybody:
            # Whose change would say so else: how far the numbers had come, which are never given twice.
            totals = replace(totals, change=totals.change + 1)
            changes.append(change_row(Change(totals, (), (), Call.whole(totals))))
        self._write(new, templates, changes)
        for collection in (new.people, new.templates):
            self.connection.tidy(collection, compact=False)
        self._lease.check()
        headers.write_header(self.connection, contract, generation, view.header.index, totals.change)
        self._view = None
        self._remove_crops(dropped)
        for collection in (old.people, old.templates):
            self.connection.drop(collection)  # last: by them the next writer sees that crops may be left
        return left

    def end(self) -> None:
        """Let others write."""
        with self._lock, suppress(GalleryError):
            if self._timer:
                self._timer.cancel()
            self._lease.release()
            if self._removed or self._unflushed >= BATCH:
                self._tidy()

    @property
    def _current(self) -> View:
        if self._view is None:
            raise _gone(self.connection)
        return self._view

    def _begin(self) -> None:
        """Get the right to write; if others may have written, look at what there is, and mend it."""
        if self._lease.renew() and self._view is not None and len(self._view.own) < OWN:
            return
        if not self._lease.held:
            self._doubtful |= self._lease.acquire()
        view = self._view = self._fresh()
        self._totals = view.newest(self.known)
        self.known = self._totals.change
        self._mend(view)
        if self._doubtful:
            self._totals = self._totals.leaving_out(SKIPPED)
        self._finished, self._doubtful = self._totals.last_template, False

    def _fresh(self) -> View:
        """What there is now.

        Raises:
            GalleryUnavailable: there is no gallery any more.
        """
        moment = self.connection.moment()
        head = headers.read_header(self.connection, moment)
        if head is None:
            raise _gone(self.connection)
        return View(self.connection, head, moment)

    def _mend(self, view: View) -> None:
        """Finish what a writer that died left: what its last call superseded, what it never named."""
        drop_others(view)
        left = undone(view, self._totals)
        self._tombstone = left.tombstone
        self._lease.check()
        self._sweep(left.old, left.new, left.spent)
        self.connection.delete(view.names.root, left.crops)
        self.connection.delete(view.names.templates, left.templates)
        self.raise_numbers(0, left.highest)
        self._beacon = view.header.beacon
        if left.shared:
            self._part(*left.shared, left.call)
        if self._totals.change - self._beacon >= BEACON_EVERY:
            self._set_beacon()
        self._lease.check()

    def _sweep(self, old: Sequence[Found], new: Sequence[Record], spent: Sequence[int]) -> None:
        """Remove what nobody names any more; the rows that say so last."""
        names = self._current.names
        rows = {pair for found in old for pair in found.record.rows} - {
            pair for record in new for pair in record.rows
        }
        self.connection.delete(names.templates, sorted(row for _, row in rows))
        self._removed |= bool(rows or spent)
        kept = {number for record in new for number, _ in record.rows}
        self._remove_crops(sorted({number for number, _ in rows} - kept))
        self.connection.delete(names.people, list(spent))

    def _remove_crops(self, templates: Sequence[int]) -> None:
        numbers = [row for template in templates for row in crop_numbers(template)]
        self.connection.delete(self.connection.address.name, numbers)

    def _remember(self, change: Change) -> None:
        view = self._current
        for number, record in change.records:
            if before := view.own.get(number):
                view.named.pop(before.record.name, None)
            view.own[number] = Found(change.pk, record, False) if record else None
            if record:
                view.named[record.name] = number

    def _set_beacon(self) -> None:
        headers.write_beacon(self.connection, self._totals.change, (self._beacon,))
        self._beacon = self._totals.change

    def _write(self, names: Names, templates: list[Row], changes: list[Row]) -> None:
        """Write rows of collections that are not in use yet."""
        for collection, rows in ((names.templates, templates), (names.people, changes)):
            for start in range(0, len(rows), BATCH):
                self._lease.check()
                self.connection.insert(collection, rows[start : start + BATCH])
            rows.clear()

    def _rest(self) -> None:
        """Let others write, once there was nothing to do for a while."""
        self._used = time.monotonic()
        if self._timer is None or not self._timer.is_alive():
            self._timer = threading.Timer(IDLE, self._idle)
            self._timer.daemon = True
            self._timer.start()

    def _idle(self) -> None:
        with self._lock, suppress(GalleryError):
            if (rest := IDLE - (time.monotonic() - self._used)) <= 0:
                self._lease.release()
                return
            self._timer = threading.Timer(rest, self._idle)
            self._timer.daemon = True
            self._timer.start()

    def _tidy(self) -> None:
        """Ask the server to write out what was added, and to free what was removed."""
        with suppress(GalleryError, CollectionMissing):
            head = headers.read_header(self.connection, self.connection.moment())
            if head is not None:
                for collection in head.names(self.connection.address.name).all:
                    self.connection.tidy(collection, compact=self._removed)
        self._unflushed, self._removed = 0, False


def _gone(connection: Connection) -> GalleryUnavailable:
    return GalleryUnavailable(
        f"There is no gallery at {connection.address.shown} any more.", hint="Check --gallery."
    )
