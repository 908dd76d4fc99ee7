"""Changes of a gallery in Milvus: one process at a time, each whole or not at all."""

from __future__ import annotations

import json
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
    CROPS,
    PARTS,
    Change,
    Names,
    Record,
    Totals,
    change_row,
    crop_numbers,
    read_records,
)
from firstsight.gallery.milvus.lease import Lease
from firstsight.gallery.milvus.mending import drop_others
from firstsight.gallery.milvus.view import Found, View, template_row
from firstsight.gallery.records import Contract
from firstsight.gallery.refusals import agree, foreseen

IDLE: Final = 0.5
"""Seconds after the last change until others may write."""
SKIPPED: Final = 1000
"""Numbers left out after a writer that died: a call of its own may still be on its way."""
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

    def raise_numbers(self, person: int, template: int) -> None:
        """See that no number up to these is given."""
        self._totals = replace(
            self._totals,
            last_person=max(self._totals.last_person, person),
            last_template=max(self._totals.last_template, template),
        )

    def stage(self, templates: Sequence[Row], crops: Sequence[Row]) -> None:
        """Write templates and crops, which nobody sees before a change names them."""
        self._lease.check()
        names = self._current.names
        for collection, rows in ((names.root, crops), (names.templates, templates)):
            for start in range(0, len(rows), BATCH):
                self.connection.insert(collection, rows[start : start + BATCH])
        self._unflushed += len(templates)

    def commit(self, records: Mapping[int, Record | None], replaced: Replaced) -> None:
        """Make a change: of one person, or of two.

        Args:
            records: their new state; None removes them.
            replaced: their state before.
        """
        self.commit_each([(records, replaced)])
        alive = [record for record in records.values() if record]
        if len(alive) == 2:
            # A row of its own for each, so that nothing of one is left when the other is erased.
            shared = self._totals.change
            for record, last in zip(alive, (False, True), strict=True):
                self.commit({record.id: record}, {record.id: Found(shared, record, not last)})

    def commit_each(self, changes: Sequence[tuple[Mapping[int, Record | None], Replaced]]) -> None:
        """Make several changes, in this order; should we die, those until some one were made."""
        view, totals, rows = self._current, self._totals, []
        made: list[tuple[Change, Replaced, set[int]]] = []
        for records, replaced in changes:
            before = [found.record for found in replaced.values() if found]
            after = [record for record in records.values() if record]
            totals = replace(
                totals,
                change=totals.change + 1,
                people=totals.people + len(after) - len(before),
                templates=totals.templates
                + sum(len(record.rows) for record in after)
                - sum(len(record.rows) for record in before),
            )
            spent = {found.pk for found in replaced.values() if found and not found.shared}
            if not made and self._tombstone:
                spent.add(self._tombstone)
            change = Change(totals, tuple(records.items()), tuple(sorted(spent)))
            rows.append(change_row(change))
            made.append((change, replaced, spent))
        self._lease.check()
        for start in range(0, len(rows), BATCH):
            self.connection.insert(view.names.people, rows[start : start + BATCH])
        self._totals, self.known = totals, totals.change
        self._tombstone = 0 if any(record for _, record in made[-1][0].records) else totals.change
        for change, _, _ in made:
            self._remember(change)
        self._sweep(
            [each for _, replaced, _ in made for each in replaced.values() if each],
            [record for change, _, _ in made for _, record in change.records if record],
            [pk for _, _, spent in made for pk in spent],
        )
        if self._unflushed >= FLUSH_AFTER:
            self._unflushed = 0
            self.connection.tidy(view.names.templates, compact=False)
        if totals.change - self._beacon >= BEACON_EVERY:
            self._set_beacon()

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
            totals = replace(
                totals,
                change=totals.change + 1,
                people=totals.people + 1,
                templates=totals.templates + len(kept),
            )
            changes.append(change_row(Change(totals, ((record.id, record),), ())))
            if len(changes) >= BATCH or len(templates) >= BATCH:
                self._write(new, templates, changes)
        if not everybody:
            # Whose change would say so else: how far the numbers had come, which are never given twice.
            totals = replace(totals, change=totals.change + 1)
            changes.append(change_row(Change(totals, (), ())))
        self._write(new, templates, changes)
        for collection in (new.people, new.templates):
            self.connection.tidy(collection, compact=False)
        self._lease.check()
        headers.write_header(self.connection, contract, generation, view.header.index, totals.change)
        self._view = None
        for collection in (old.people, old.templates):
            self.connection.drop(collection)
        self._remove_crops(dropped)
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
        taken = False if self._lease.held else self._lease.acquire()
        view = self._view = self._fresh()
        self._totals = view.newest(self.known)
        self.known = self._totals.change
        self._mend(view)
        if taken:
            self._totals = replace(
                self._totals,
                change=self._totals.change + SKIPPED,
                last_person=self._totals.last_person + SKIPPED,
                last_template=self._totals.last_template + SKIPPED,
            )

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
        """Finish what a writer that died left: what its last change superseded, what it never named."""
        self._tombstone = 0
        names, last = view.names, self._totals.last_template
        drop_others(view)
        query = self.connection.query
        rows = query(names.people, f"pk > {self._totals.change - 2}", ("pk", "body"), view.moment)
        rows.sort(key=lambda each: int(each["pk"]))
        if rows and not any(record for _, record in read_records(rows[-1])):
            self._tombstone = self._totals.change
        for row in rows:
            self._finish(view, row)
        self._lease.check()
        # Never named by anybody; their numbers are not given again.
        staged = [row["pk"] for row in query(names.templates, f"pk > {last}", ("pk",), view.moment)]
        self.connection.delete(names.templates, staged)
        beyond = CROPS + PARTS * (last + 1)
        crops = [row["pk"] for row in query(names.root, f"pk >= {beyond}", ("pk",), view.moment)]
        self.connection.delete(names.root, crops)
        highest = max([last, *staged, *((each - CROPS) // PARTS for each in crops)])
        self.raise_numbers(0, highest)
        self._beacon = view.header.beacon
        if self._totals.change - self._beacon >= BEACON_EVERY:
            self._set_beacon()
        self._lease.check()

    def _finish(self, view: View, row: Row) -> None:
        """Remove what a change superseded, if that is still there."""
        pks = json.loads(row["body"])["supersedes"]
        records = dict(read_records(row))
        if pks:
            old = self.connection.query(view.names.people, f"pk in {pks}", ("pk", "body"), view.moment)
            gone = [
                Found(each["pk"], record, False)
                for each in old
                for number, record in read_records(each)
                if record and number in records
            ]
            self._sweep(gone, [record for record in records.values() if record], pks)
        if len([record for record in records.values() if record]) == 2:
            current = [found for found in view.by_numbers(records).values() if found.pk == row["pk"]]
            for found in current:
                alone = replace(found, shared=found is not current[-1])
                self.commit({found.record.id: found.record}, {found.record.id: alone})

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
