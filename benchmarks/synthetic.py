"""Galleries of templates that are made up: random directions, alike to nobody."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery import Contract

DIMENSION: Final = 128
CONTRACT: Final = Contract("synthetic", "0" * 64, "1", DIMENSION)
PART: Final = 10_000
"""Templates that are made at a time, with a seed of their own."""
SEED: Final = 0
NOISE: Final = 0.8
"""How far a probe is from the template that it is made from, beside that one's length."""


def units(count: int, seed: int) -> NDArray[np.float32]:
    """Random rows of unit length, (count, DIMENSION)."""
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION), np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def everybody(templates: int) -> NDArray[np.float32]:
    """All rows of a gallery, (templates, DIMENSION)."""
    return np.concatenate([units(min(PART, templates - at), SEED + at) for at in range(0, templates, PART)])


def probes_of(rows: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """A probe for each row, somewhat away from it."""
    away = rows + NOISE * units(len(rows), seed)
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return away


def nearest(probes: NDArray[np.float32], rows: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The k most similar rows to each probe, best first, in single precision: (P, k)."""
    tops = np.zeros((len(probes), 0), np.int64)
    scores = np.zeros((len(probes), 0), np.float32)
    for start in range(0, len(rows), PART):
        piece = probes @ rows[start : start + PART].T
        tops = np.concatenate([tops, np.broadcast_to(np.arange(piece.shape[1]) + start, piece.shape)], axis=1)
        scores = np.concatenate([scores, piece], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        tops, scores = np.take_along_axis(tops, order, 1), np.take_along_axis(scores, order, 1)
    return tops
