"""The index of a gallery file, kept in step with it, also when another process writes."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import ModelMismatch
from firstsight.gallery.index import Index, Similarity
from firstsight.gallery.records import Contract, Match
from firstsight.gallery.sqlite.connection import Connection
from firstsight.gallery.sqlite.header import Header, read
from firstsight.gallery.vault import Vault

AT_A_TIME: Final = 8192
"""Embeddings read in one go."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """The templates and names of one moment."""

    version: int
    header: Header
    index: Index
    names: dict[int, str]
    """By the person's number; later states may share it, and add people to it."""
    last_template: int
    last_person: int


class LiveIndex:
    """Searches the newest state of the file.

    Numbers are never given twice, so what was added since the last look has higher ones, and only
    that is read. After an edit (anything but an addition) the file's list of numbers and names is
    read again; an embedding never changes under its number, unless the gallery changes its model.
    """

    def __init__(self, connection: Connection, vault: Vault, similarity: Similarity) -> None:
        self._connection = connection
        self._vault = vault
        self._similarity = similarity
        self._lock = threading.Lock()
        self._state: State | None = None

    def search(self, probes: NDArray[np.float32], k: int, contract: Contract) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first.

        Raises:
            ModelMismatch: the gallery was moved to another model in the meantime.
        """
        state = self._current()
        if state.header.contract != contract:
            raise ModelMismatch(
                f"{self._connection.path} was moved to {state.header.contract.model} meanwhile.",
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
            # Asked before reading: a write in between is then looked at twice, never missed.
            version = self._connection.version()
            if self._state is None or self._state.version != version:
                with self._connection.reading() as database:
                    self._state = self._read(database, version, self._state)
            return self._state

    def _read(self, database: sqlite3.Connection, version: int, old: State | None) -> State:
        header = read(database, self._connection.path)
        if old is None or old.header.generation != header.generation:
            old = State(version, header, Index.empty(header.contract.dimension), {}, 0, 0)
        index, names = old.index, old.names
        if old.header.edits != header.edits:
            listed = database.execute("SELECT id, person_id FROM template ORDER BY id").fetchall()
            table = np.array(listed, np.int64).reshape(-1, 2)
            index, names = index.restricted(table[:, 0], table[:, 1]), {}
        last_template = old.last_template
        added = database.execute(
            "SELECT id, person_id, embedding FROM template WHERE id > ? ORDER BY id",
            (last_template,),
        )
        while found := added.fetchmany(AT_A_TIME):
            numbers = np.array([row[:2] for row in found], np.int64)
            embeddings = self._vault.open_embeddings(found, header.contract)
            index = index.appended(numbers[:, 0], numbers[:, 1], embeddings)
            last_template = int(numbers[-1, 0])
        last_person = old.last_person if names else 0
        named = database.execute("SELECT id, name FROM person WHERE id > ?", (last_person,))
        names.update(named.fetchall())
        return State(version, header, index, names, last_template, max(names, default=0))
