"""The templates of a file as arrays, quickly: a million of them are read when a gallery is opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.records import Contract
from firstsight.gallery.vault import Vault

AT_A_TIME: Final = 2048
"""Templates read in one go."""

Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Numbers of templates, ascending, and of their people: (A,), (A,); embeddings: (A, D)."""


def after(database: sqlite3.Connection, vault: Vault, contract: Contract, last: int) -> Iterator[Rows]:
    """Templates with numbers above ``last``, in parts.

    Raises:
        GalleryCorrupt: an embedding is damaged, or another template's.
    """
    read = _sealed if vault.seals else _joined
    while (rows := read(database, vault, contract, last)) is not None:
        yield rows
        last = int(rows[0][-1])


def _sealed(database: sqlite3.Connection, vault: Vault, contract: Contract, last: int) -> Rows | None:
    found = database.execute(
        "SELECT id, person_id, embedding FROM template WHERE id > ? ORDER BY id LIMIT ?", (last, AT_A_TIME)
    ).fetchall()
    if not found:
        return None
    numbers = np.array([row[:2] for row in found], np.int64)
    return numbers[:, 0], numbers[:, 1], vault.open_embeddings(found, contract)


def _joined(database: sqlite3.Connection, vault: Vault, contract: Contract, last: int) -> Rows | None:
    """Joined by SQLite, which takes half the time of a Python object for each value."""
    numbers, people, embeddings = database.execute(
        "SELECT group_concat(id), group_concat(person_id), CAST(group_concat(embedding, '') AS BLOB) FROM "
        "(SELECT id, person_id, embedding FROM template WHERE id > ? ORDER BY id LIMIT ?)",
        (last, AT_A_TIME),
    ).fetchone()
    if numbers is None:
        return None
    ids, owners = (np.fromstring(text, np.int64, sep=",") for text in (numbers, people))
    matrix = vault.matrix(embeddings, len(ids), contract)
    # SQLite joins in this order, but promises it in its later versions only.
    order = np.argsort(ids, kind="stable")
    return ids[order], owners[order], matrix[order] if (np.diff(ids) < 0).any() else matrix
