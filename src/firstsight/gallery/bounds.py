"""Who can be ruled out, from what each template's similarity is at least and at most."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray


class Bounds:
    """Templates with bounds of their similarity to one probe."""

    def __init__(
        self,
        rows: NDArray[np.int64],
        people: NDArray[np.int64],
        lower: NDArray[np.float32],
        upper: NDArray[np.float32],
    ) -> None:
        """All (M,); the rows in any order, each once."""
        self._rows, self._people, self._lower, self._upper = rows, people, lower, upper
        persons, self._whose = np.unique(people, return_inverse=True)
        self._best = np.full(len(persons), -np.inf, np.float32)
        """Of each person: their best template reaches that at least."""
        np.maximum.at(self._best, self._whose, lower)

    def and_those(self, others: Self) -> Bounds:
        """Of these templates and others."""
        return Bounds(
            np.concatenate([self._rows, others._rows]),
            np.concatenate([self._people, others._people]),
            np.concatenate([self._lower, others._lower]),
            np.concatenate([self._upper, others._upper]),
        )

    def floor(self, k: int) -> float:
        """What the k-th best person reaches at least; minus infinity where there are fewer."""
        count = len(self._best)
        return float(np.partition(self._best, count - k)[count - k]) if count >= k else -np.inf

    def kept(self, k: int, *, sure: bool) -> NDArray[np.int64]:
        """Rows that may be the best of one of the k best people, ascending.

        Not those below what the k-th person reaches; nor, where it is sure whose each row is, those below
        another of the same person: one that has become somebody else's may be that one's best.
        """
        needed = np.full(len(self._rows), self.floor(k), np.float32)
        if sure:
            needed = np.maximum(needed, self._best[self._whose])
        return np.sort(self._rows[self._upper >= needed])
