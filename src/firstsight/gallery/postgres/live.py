"""The index of a gallery that the server cannot search, kept in step with it in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.index import Index, Similarity
from firstsight.gallery.postgres import header
from firstsight.gallery.postgres.address import Address
from firstsight.gallery.postgres.connection import Cursor
from firstsight.gallery.postgres.embeddings import AT_A_TIME, Embeddings
from firstsight.gallery.postgres.header import Header
from firstsight.gallery.records import Match


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The templates and names of one moment."""

    header: Header
    index: Index
    names: dict[int, str]
    """By the person's number; later states may share it, and add people to it."""


class LiveIndex:
    """Searches the newest state of a gallery whose key, or whose similarity, the server does not have.

    Numbers are given in the order of the transactions and never twice, so what was added since the
    last look has higher ones, and only that is read. After an edit (anything but an addition) the
    list of numbers and names is read again; an embedding never changes under its number, unless the
    gallery changes its model.
    """

    def __init__(self, address: Address, embeddings: Embeddings, similarity: Similarity) -> None:
        self._address = address
        self._embeddings = embeddings
        self._similarity = similarity
        self._lock = threading.Lock()
        self._state: State | None = None

    def current(self, cursor: Cursor) -> State:
        """The state that a transaction sees, or a newer one."""
        held = header.read(cursor, self._address)
        with self._lock:
            old = self._state
            if old is None or _age(old.header) < _age(held):
                self._state = old = self._read(cursor, held, old)
            return old

    def search(self, state: State, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first."""
        return [
            [
                Match(state.names[hit.person_id], hit.person_id, hit.template_id, hit.similarity)
                for hit in hits
            ]
            for hits in state.index.search(probes, k, self._similarity)
        ]

    def _read(self, cursor: Cursor, held: Header, old: State | None) -> State:
        if old is None or old.header.generation != held.generation:
            index, names, last, edited = Index.empty(held.contract.dimension), {}, 0, False
        else:
            index, names, last = old.index, old.names, old.header.last_template
            edited = old.header.edits != held.edits
        if edited:
            listed = cursor.execute("SELECT id, person_id FROM template ORDER BY id").fetchall()
            table = np.array(listed, np.int64).reshape(-1, 2)
            index, names = index.restricted(table[:, 0], table[:, 1]), {}
        while found := self._after(cursor, last):
            numbers = np.array([row[:2] for row in found], np.int64)
            index = index.appended(
                numbers[:, 0], numbers[:, 1], self._embeddings.opened(found, held.contract)
            )
            last = int(numbers[-1, 0])
        named = cursor.execute("SELECT id, name FROM person WHERE id > %s", (max(names, default=0),))
        names.update(named.fetchall())
        return State(held, index, names)

    def _after(self, cursor: Cursor, last: int) -> list[tuple[int, int, bytes]]:
        """Some templates with numbers above ``last``, in their order."""
        return cursor.execute(self._embeddings.listing, (last, AT_A_TIME)).fetchall()


def _age(held: Header) -> tuple[int, int, int, int]:
    """Grows with each change that a search could see."""
    return held.generation, held.edits, held.last_person, held.last_template
