"""A large gallery's search, from the first pass to the answer, by what stands in the file.

In memory are only the quantised rows; the embeddings of the few that may be among the best are read
when they are needed. So an edit costs nothing in memory: who was erased, or got another's photo, is
found out when a search comes upon them, before it answers. The rest is compared with the file a step
at a time, so that nothing of who was erased stays in memory for long.
"""

from __future__ import annotations

import sqlite3
from itertools import count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.coarse import NOBODY, CoarseIndex, Scan
from firstsight.gallery.index import Hit, best, exact_similarity
from firstsight.gallery.records import Contract
from firstsight.gallery.vault import Vault

AT_A_TIME: Final = 500
"""Numbers in one question to the file."""
STEP: Final = 1024
"""Rows that each search compares with the file after an edit, for about a millisecond."""
PATIENCE: Final = 3
"""How often a search meets what has changed before it compares all."""


def settled(
    database: sqlite3.Connection, vault: Vault, contract: Contract, index: CoarseIndex, scan: Scan, k: int
) -> list[list[Hit]]:
    """The ``k`` best people for each probe of a scan, in the state that ``database`` reads."""
    hits = [_best(database, vault, contract, index, scan, which, k) for which in range(len(scan.probes))]
    check(database, index, STEP)
    return hits


def check(database: sqlite3.Connection, index: CoarseIndex, rows: int) -> None:
    """Compare so many of the rows that are not compared yet with the file."""
    until = index.unchecked - rows
    while index.unchecked > max(0, until):
        some = np.arange(max(0, index.unchecked - STEP), index.unchecked)
        numbers = index.numbers(some)
        listed = database.execute(
            "SELECT id, person_id FROM template WHERE id BETWEEN ? AND ? ORDER BY id",
            (int(numbers[0]), int(numbers[-1])),
        ).fetchall()
        table = np.array(listed, np.int64).reshape(-1, 2)
        index.correct(some, _aligned(numbers, table[:, 0], table[:, 1]))
        index.unchecked = int(some[0])


def _best(
    database: sqlite3.Connection,
    vault: Vault,
    contract: Contract,
    index: CoarseIndex,
    scan: Scan,
    which: int,
    k: int,
) -> list[Hit]:
    probe = scan.probes[which, : contract.dimension]
    for attempt in count():
        rows = index.survivors(scan, which, k)
        numbers = index.numbers(rows)
        people, scores = _read(database, vault, contract, probe, numbers)
        if index.correct(rows, people):
            return best(scores, numbers, people, k)
        if attempt == PATIENCE:
            index.unchecked = index.count
            check(database, index, index.count)
    raise AssertionError  # an endless loop's end


def _read(
    database: sqlite3.Connection,
    vault: Vault,
    contract: Contract,
    probe: NDArray[np.float32],
    numbers: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Whose templates of ascending numbers are, and how similar to the probe."""
    people, scores = np.full(len(numbers), NOBODY, np.int64), np.zeros(len(numbers), np.float32)
    for start in range(0, len(numbers), AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        asked = numbers[some].tolist()
        marks = ",".join("?" * len(asked))
        found = database.execute(
            f"SELECT id, person_id, embedding FROM template WHERE id IN ({marks}) ORDER BY id",  # noqa: S608
            asked,
        ).fetchall()
        if found:
            held = np.array([row[:2] for row in found], np.int64)
            people[some] = _aligned(numbers[some], held[:, 0], held[:, 1])
            values = exact_similarity(probe, vault.open_embeddings(found, contract))
            scores[some][people[some] != NOBODY] = values
    return people, scores


def _aligned(
    numbers: NDArray[np.int64], held: NDArray[np.int64], people: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Whose the templates of ascending numbers are, from the (ascending) ones that are held."""
    places = np.searchsorted(held, numbers)
    places[places == len(held)] = 0
    known = held[places] == numbers if len(held) else np.zeros(len(numbers), bool)
    result = np.full(len(numbers), NOBODY, np.int64)
    result[known] = people[places[known]]
    return result
