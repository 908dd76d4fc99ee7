"""The index of a gallery file, kept in step with it, also when another process writes."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.gallery.index import Hit, Index, Similarity, inner_product
from firstsight.gallery.records import Contract, Match
from firstsight.gallery.refusals import moved
from firstsight.gallery.sqlite import reading
from firstsight.gallery.sqlite.connection import Connection
from firstsight.gallery.sqlite.header import Header, read
from firstsight.gallery.vault import Vault

if TYPE_CHECKING:  # torch is loaded for large galleries only
    from firstsight.gallery.coarse import CoarseIndex, Scan

LARGE: Final = 1 << 16
"""Templates from which on a gallery compared by inner products is quantised in memory."""
BATCH: Final = 64
"""Probes in one pass."""
NAMES: Final = 500
"""Names asked for at once."""
TRIES: Final = 3
"""How often a search may be overtaken by edits before it makes others wait."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The templates of one moment."""

    version: int
    header: Header
    index: Index
    """Empty for a large gallery."""
    large: CoarseIndex | None
    """In step with the file only where it was just read; see ``sqlite.large``."""
    last_template: int


class LiveIndex:
    """Searches the newest state of the file.

    Numbers are never given twice, so what was added since the last look has higher ones, and only
    that is read. After an edit (anything but an addition) a small gallery's list of numbers is read
    again; an embedding never changes under its number, unless the gallery changes its model. Names
    are read when they are asked for.
    """

    def __init__(self, connection: Connection, vault: Vault, similarity: Similarity) -> None:
        self._connection = connection
        self._vault = vault
        self._similarity = similarity
        self._lock = threading.Lock()
        """Before that of the connection."""
        self._state: State | None = None

    def search(self, probes: NDArray[np.float32], k: int, contract: Contract) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first.

        Raises:
            ModelMismatch: the gallery was moved to another model in the meantime.
            UsageError: a probe is not finite.
        """
        if not np.isfinite(probes).all():
            raise UsageError("A probe holds numbers that are not finite.", hint="Embed the picture again.")
        return [
            matches
            for start in range(0, max(1, len(probes)), BATCH)
            for matches in self._search(probes[start : start + BATCH], k, contract)
        ]

    def _search(self, probes: NDArray[np.float32], k: int, contract: Contract) -> list[list[Match]]:
        for _ in range(TRIES):
            state = self._current(contract)
            if state.large is None:
                hits = state.index.search(probes, k, self._similarity)
                with self._connection.reading() as database:
                    if _unedited(state.header, read(database, self._connection.path)):
                        return _named(database, hits)
                continue
            scan = state.large.scan(probes)
            with self._lock, self._connection.reading() as database:
                now = self._stepped(database, state.version, contract)
                if now.large is state.large:
                    return self._settled(database, state.large, scan, k, contract)
        with self._lock, self._connection.reading() as database:
            state = self._stepped(database, state.version, contract)
            if state.large is None:
                return _named(database, state.index.search(probes, k, self._similarity))
            return self._settled(database, state.large, state.large.scan(probes), k, contract)

    def _settled(
        self, database: sqlite3.Connection, large: CoarseIndex, scan: Scan, k: int, contract: Contract
    ) -> list[list[Match]]:
        from firstsight.gallery.sqlite.large import settled

        hits = settled(database, self._vault, contract, large, scan, k)
        if 2 * large.holes > large.count:
            self._state = None  # read again, without the holes
        return _named(database, hits)

    def _current(self, contract: Contract) -> State:
        with self._lock:
            # Asked before reading: a write in between is then looked at twice, never missed.
            version = self._connection.version()
            if self._state is None or self._state.version != version:
                with self._connection.reading() as database:
                    return self._stepped(database, version, contract)
            return self._checked(self._state, contract)

    def _stepped(self, database: sqlite3.Connection, version: int, contract: Contract) -> State:
        """The state that is being read, from now on the current one; under the lock."""
        # What is large grows in place: of one that an error left half grown nothing is used again.
        state, self._state = self._state, None
        self._state = self._read(database, version, state)
        return self._checked(self._state, contract)

    def _checked(self, state: State, contract: Contract) -> State:
        if state.header.contract != contract:
            raise moved(self._connection.path, state.header.contract)
        return state

    def _read(self, database: sqlite3.Connection, version: int, old: State | None) -> State:
        header = read(database, self._connection.path)
        if old is None or old.header.generation != header.generation:
            old = State(version, header, Index.empty(header.contract.dimension), None, 0)
        index, large, last_template = old.index, old.large, old.last_template
        if old.header.edits != header.edits:
            if large is not None:
                large.unchecked = large.count
            else:
                listed = database.execute("SELECT id, person_id FROM template ORDER BY id").fetchall()
                table = np.array(listed, np.int64).reshape(-1, 2)
                index = index.restricted(table[:, 0], table[:, 1])
        dimension = header.contract.dimension
        if last_template == 0 and self._becomes_large(_count(database)):
            large = _quantised(index)
        for numbers, people, embeddings in reading.after(
            database, self._vault, header.contract, last_template
        ):
            last_template = int(numbers[-1])
            if large is not None:
                large.append(numbers, people, embeddings)
                continue
            index = index.appended(numbers, people, embeddings)
            if self._becomes_large(len(index.template_ids)):
                large, index = _quantised(index), Index.empty(dimension)
        return State(version, header, index, large, last_template)

    def _becomes_large(self, templates: int) -> bool:
        return self._similarity is inner_product and templates >= LARGE


def _count(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count(*) FROM template").fetchone()[0])


def _quantised(index: Index) -> CoarseIndex:
    from firstsight.gallery.coarse import CoarseIndex

    large = CoarseIndex(index.embeddings.shape[1])
    large.append(index.template_ids, index.person_ids, index.embeddings)
    return large


def _unedited(one: Header, other: Header) -> bool:
    """Whether nothing but additions lies between two moments."""
    return (one.generation, one.edits) == (other.generation, other.edits)


def _named(database: sqlite3.Connection, hits: list[list[Hit]]) -> list[list[Match]]:
    """Hits of the state that is being read, with names."""
    people = sorted({hit.person_id for each in hits for hit in each})
    names: dict[int, str] = {}
    for start in range(0, len(people), NAMES):
        some = people[start : start + NAMES]
        marks = ",".join("?" * len(some))
        names.update(
            database.execute(f"SELECT id, name FROM person WHERE id IN ({marks})", some).fetchall()  # noqa: S608
        )
    return [
        [Match(names[hit.person_id], hit.person_id, hit.template_id, hit.similarity) for hit in each]
        for each in hits
    ]
