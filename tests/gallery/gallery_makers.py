"""What the tests of galleries are made of: contracts, embeddings, templates, and files read raw."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery import Contract, NewTemplate, Person, Store

DIMENSION = 8
CONTRACT = Contract("model-a", "a" * 64, "1", DIMENSION)
OTHER = Contract("model-b", "b" * 64, "1", 5)
KEY = bytes(range(32))


class Opener(Protocol):
    """Opens one and the same gallery, each time anew."""

    def __call__(self, contract: Contract | None = CONTRACT) -> Store: ...


def units(count: int, seed: int, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """Random rows of unit length."""
    rows = np.random.default_rng(seed).standard_normal((count, dimension), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def photos(count: int, seed: int, crop: bytes | None = None) -> list[NewTemplate]:
    """Templates as they come from that many photos."""
    return [
        NewTemplate(embedding, f"photo-{seed}-{number}.jpg", 0.75, crop)
        for number, embedding in enumerate(units(count, seed))
    ]


def names(people: list[Person]) -> list[str]:
    return [person.name for person in people]


def raw(path: Path) -> bytes:
    """Every byte of a gallery's files: the file, its log and its shared memory."""
    files = sorted(path.parent.glob(f"{path.name}*"))
    assert path in files
    return b"".join(file.read_bytes() for file in files)
