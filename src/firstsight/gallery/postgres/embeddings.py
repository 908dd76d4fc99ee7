"""The column of embeddings: pgvector's own type, or sealed bytes that only who has the key compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from firstsight.gallery.postgres.connection import Cursor
from firstsight.gallery.records import Contract
from firstsight.gallery.vault import Vault

AT_A_TIME: Final = 8192
"""Embeddings read in one go."""
WIDEST: Final = 1900
"""Numbers of a vector that fit a page with the rest of its row."""
AHEAD: Final = 4
"""Bytes before the numbers in what pgvector sends: their count, and two of no use."""


@dataclass(frozen=True, slots=True)
class Embeddings:
    """How one gallery keeps its embeddings."""

    vault: Vault
    sealed: bool

    def kind(self, dimension: int) -> sql.Composable:
        """The column's type."""
        return sql.SQL("bytea") if self.sealed else sql.SQL("vector({})").format(sql.Literal(dimension))

    @property
    def parameter(self) -> sql.SQL:
        """A parameter that ``stored`` gives."""
        return sql.SQL("%s::bytea" if self.sealed else "%s::vector")

    @property
    def kept(self) -> sql.Composed:
        """Number, embedding and crop of a person's templates; see ``opened``."""
        return sql.SQL("SELECT id, {}, crop FROM template WHERE person_id = %s ORDER BY id").format(
            self._column
        )

    @property
    def listing(self) -> sql.Composed:
        """Number, person and embedding of templates above a number, at most so many; see ``opened``."""
        return sql.SQL("SELECT id, person_id, {} FROM template WHERE id > %s ORDER BY id LIMIT %s").format(
            self._column
        )

    @property
    def _column(self) -> sql.SQL:
        return sql.SQL("embedding" if self.sealed else "vector_send(embedding)")

    def stored(self, value: bytes, template: int, person: int, contract: Contract) -> bytes | str:
        """An embedding's bytes, as ``vault.embedding_bytes`` gives them, for the column."""
        if self.sealed:
            return self.vault.seal_embedding(value, template, person, contract)
        return vector(np.frombuffer(value, "<f4"))

    def opened(self, rows: Sequence[tuple[int, int, bytes]], contract: Contract) -> NDArray[np.float32]:
        """What the column held, each with its template's and its person's number: (N, D).

        Raises:
            GalleryCorrupt: one of them is damaged, or another template's.
        """
        if not self.sealed:
            rows = [(template, person, _plain(sent)) for template, person, sent in rows]
        return self.vault.open_embeddings(rows, contract)

    def lay_flat(self, cursor: Cursor, dimension: int) -> None:
        """Keep vectors in the rows themselves, where comparing with all of them goes fastest.

        No sample of any is kept for the planner, either: who is removed would live on in it.
        """
        cursor.execute("ALTER TABLE template ALTER COLUMN embedding SET STATISTICS 0")
        if not self.sealed and dimension <= WIDEST:
            cursor.execute("ALTER TABLE template ALTER COLUMN embedding SET STORAGE PLAIN")


def vector(row: NDArray[np.float32]) -> str:
    """(D,) numbers as pgvector reads them, to the last bit."""
    return f"[{','.join(map(repr, row.tolist()))}]"


def _plain(sent: bytes) -> bytes:
    """The little-endian float32 of what pgvector sent."""
    return np.frombuffer(sent, ">f4", offset=AHEAD).astype("<f4").tobytes()
