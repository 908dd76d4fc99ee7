"""The index of a gallery file, kept in step with it, also when another process writes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import GalleryCorrupt, ModelMismatch
from firstsight.gallery import rows
from firstsight.gallery.cipher import Cipher
from firstsight.gallery.connection import Connection
from firstsight.gallery.index import Index, Similarity
from firstsight.gallery.records import Contract, Match


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The templates and names of one moment."""

    version: tuple[int, int]
    contract: Contract
    index: Index
    names: Mapping[int, str]


class LiveIndex:
    """Searches the newest state of the file; reads only what has changed since the last search."""

    def __init__(self, connection: Connection, cipher: Cipher, similarity: Similarity) -> None:
        self._connection = connection
        self._cipher = cipher
        self._similarity = similarity
        self._own_writes = 0
        self._lock = threading.Lock()
        self._state: State | None = None

    def forget(self) -> None:
        """Note a write by our own connection, which SQLite's data version does not count."""
        with self._lock:
            self._own_writes += 1

    def search(self, probes: NDArray[np.float32], k: int, contract: Contract) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first.

        Raises:
            ModelMismatch: the gallery was moved to another model in the meantime.
        """
        state = self._current()
        if state.contract != contract:
            raise ModelMismatch(
                f"{self._connection.path} was moved to the model {state.contract.model} meanwhile.",
                hint="Open it again.",
            )
        return [
            [
                Match(state.names[hit.person_id], hit.person_id, hit.template_id, hit.similarity)
                for hit in hits
            ]
            for hits in state.index.search(probes, k, self._similarity)
        ]

    def _current(self) -> State:
        with self._lock:
            # Asked before reading: a write in between is then read twice, never missed.
            version = self._connection.changes(), self._own_writes
            if self._state is None or self._state.version != version:
                self._state = self._read(version, self._state)
            return self._state

    def _read(self, version: tuple[int, int], old: State | None) -> State:
        with self._connection.snapshot() as database:
            held = rows.read_contract(database)
            if held is None:
                raise GalleryCorrupt(
                    f"{self._connection.path} does not say which model made it.",
                    hint="Restore it from a backup.",
                )
            contract = held[0]
            names = dict(database.execute("SELECT id, name FROM person"))
            listed = database.execute(
                "SELECT id, person_id FROM template ORDER BY person_id, id"
            ).fetchall()
            table = np.array(listed, dtype=np.int64).reshape(-1, 2)
            # Templates never change under their number, unless the whole gallery changes its model.
            known = old.index if old and old.contract == contract else None
            rows_known = dict(zip(known.template_ids.tolist(), count(), strict=False)) if known else {}
            fresh = [number for number in table[:, 0].tolist() if number not in rows_known]
            if 4 * len(fresh) > len(table):
                stored = dict(database.execute("SELECT id, embedding FROM template"))
            else:
                query = "SELECT embedding FROM template WHERE id = ?"
                stored = {n: database.execute(query, (n,)).fetchone()[0] for n in fresh}
        matrix = np.empty((len(table), contract.dimension), dtype=np.float32)
        places = np.array([rows_known.get(number, -1) for number in table[:, 0].tolist()], np.intp)
        if known:
            matrix[places >= 0] = known.embeddings[places[places >= 0]]
        for row in np.flatnonzero(places < 0).tolist():
            number = int(table[row, 0])
            matrix[row] = self._opened(stored[number], number, contract.dimension)
        index = Index.build(table[:, 0].copy(), table[:, 1].copy(), matrix)
        return State(version, contract, index, names)

    def _opened(self, stored: bytes, number: int, dimension: int) -> NDArray[np.float32]:
        value = np.frombuffer(self._cipher.open(stored, f"template {number}"), dtype="<f4")
        if value.shape != (dimension,):
            raise GalleryCorrupt(
                f"Template {number} of {self._connection.path} has a wrong size.",
                hint="Restore the gallery from a backup.",
            )
        return value
