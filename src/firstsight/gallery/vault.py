"""Embeddings and crops, as they are stored.

With a key each of them is sealed, and bound to its template and its person; an embedding also to
what made it. Names, notes, dates and labels are not sealed: a person must be found, and erased, by
somebody without the key. A gallery is sealed from its beginning or never, and holds a proof of its
key: a key given for a gallery that is not sealed is refused, as somebody believes it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import GalleryCorrupt, GalleryLocked, UsageError
from firstsight.gallery.cipher import VARIABLE, Cipher
from firstsight.gallery.records import Contract

PROOF: Final = b"firstsight"
UNIT: Final = 1e-3
"""How far an embedding's length may be from 1."""


class Vault:
    """Turns embeddings and crops into what one gallery file holds, and back."""

    def __init__(self, cipher: Cipher, path: Path | str) -> None:
        """The place stands in messages: a path, or an address without its password."""
        self._cipher = cipher
        self._path = path

    @property
    def seals(self) -> bool:
        """Whether it holds a key."""
        return self._cipher.seals

    def proof(self) -> bytes | None:
        """What a new gallery keeps, to know its key again; None for one that is not sealed."""
        return self._cipher.seal(PROOF, "proof") if self._cipher.seals else None

    def unlock(self, proof: bytes | None) -> None:
        """See that the key is the gallery's, before anything is sealed or opened with it.

        Raises:
            GalleryLocked: it is missing, another one, or one for a gallery that is not sealed.
        """
        if proof is None:
            if self._cipher.seals:
                raise GalleryLocked(
                    f"{self._path} is not encrypted, but a key is given.",
                    hint=f"Unset {VARIABLE}, or begin a new gallery with it.",
                )
        elif not self._cipher.seals:
            raise GalleryLocked(f"{self._path} is encrypted.", hint=f"Put its key into {VARIABLE}.")
        elif self._cipher.open(proof, "proof") != PROOF:
            raise GalleryLocked(
                f"{self._path} is encrypted with another key.",
                hint=f"Put its own key into {VARIABLE}.",
            )

    def seal_embedding(self, value: bytes, template: int, person: int, contract: Contract) -> bytes:
        """An embedding's bytes, as stored."""
        return self._cipher.seal(value, "embedding", template, person, *astuple(contract))

    def open_embedding(self, stored: bytes, template: int, person: int, contract: Contract) -> bytes:
        """The bytes of one stored embedding.

        Raises:
            GalleryCorrupt: they are damaged, or another template's.
        """
        value = self._cipher.open(stored, "embedding", template, person, *astuple(contract))
        if value is None:
            raise self._damaged(f"The embedding of photo {template}")
        return value

    def open_embeddings(
        self, rows: Sequence[tuple[int, int, bytes]], contract: Contract
    ) -> NDArray[np.float32]:
        """Stored embeddings, each with its template's and its person's number: (N, D).

        Raises:
            GalleryCorrupt: one of them is damaged, or another template's.
        """
        if self._cipher.seals:
            values = [
                self.open_embedding(stored, template, person, contract) for template, person, stored in rows
            ]
        else:
            values = [stored for _, _, stored in rows]
        if set(map(len, values)) - {4 * contract.dimension}:
            raise self._damaged("An embedding")
        return self.matrix(b"".join(values), len(values), contract)

    def matrix(self, joined: bytes, count: int, contract: Contract) -> NDArray[np.float32]:
        """The bytes of opened embeddings, one after the other, as (N, D).

        Raises:
            GalleryCorrupt: they are not so many, or not all numbers are finite.
        """
        if len(joined) != 4 * count * contract.dimension:
            raise self._damaged("An embedding")
        matrix = np.frombuffer(joined, "<f4").reshape(-1, contract.dimension)
        if not np.isfinite(matrix).all():
            raise self._damaged("An embedding")
        return matrix

    def seal_crop(self, crop: bytes | None, template: int, person: int) -> bytes | None:
        """A crop, as stored."""
        return crop and self._cipher.seal(crop, "crop", template, person)

    def open_crop(self, stored: bytes | None, template: int, person: int) -> bytes | None:
        """A stored crop.

        Raises:
            GalleryCorrupt: it is damaged, or another template's.
        """
        if not stored:
            return None
        if (crop := self._cipher.open(stored, "crop", template, person)) is None:
            raise self._damaged(f"The crop of photo {template}")
        return crop

    def _damaged(self, what: str) -> GalleryCorrupt:
        return GalleryCorrupt(
            f"{what} in {self._path} is damaged or was exchanged.",
            hint="Restore the gallery from a backup.",
        )


def embedding_bytes(embedding: NDArray[np.float32], dimension: int, *, unit: bool = True) -> bytes:
    """The bytes of an embedding that fits: (D,) finite float32, little-endian.

    Args:
        embedding: to be stored.
        dimension: D.
        unit: see that its length is 1, as inner products need it; a model that compares otherwise
            says something by the length, too.

    Raises:
        UsageError: it does not fit.
    """
    if (
        not isinstance(embedding, np.ndarray)
        or embedding.shape != (dimension,)
        or embedding.dtype != np.float32
    ):
        shape = getattr(embedding, "shape", None)
        kind = getattr(embedding, "dtype", type(embedding).__name__)
        raise UsageError(
            f"An embedding of shape {shape} and type {kind} does not fit the gallery.",
            hint=f"Give float32 of shape ({dimension},).",
        )
    if not np.isfinite(embedding).all():
        raise UsageError("An embedding holds numbers that are not finite.", hint="Embed the picture again.")
    if unit and abs(float(np.linalg.norm(embedding.astype(np.float64))) - 1) > UNIT:
        raise UsageError("An embedding is not of unit length.", hint="Divide it by its Euclidean norm.")
    return embedding.astype("<f4").tobytes()
