"""Exact search in memory: every probe against every template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Similarity = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""(N, D) probes, (M, D) templates -> (N, M), higher is more alike."""


def inner_product(
    probes: NDArray[np.float32], templates: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The cosine, for rows of unit length."""
    return probes @ templates.T


@dataclass(frozen=True, slots=True)
class Hit:
    """A person, by their best-scoring template."""

    person_id: int
    template_id: int
    similarity: float


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """All templates at one moment, never changed: a changed gallery has another index."""

    template_ids: NDArray[np.int64]
    """(M,)"""
    person_ids: NDArray[np.int64]
    """(M,), sorted, so that a person's templates lie together."""
    embeddings: NDArray[np.float32]
    """(M, D)"""
    starts: NDArray[np.intp]
    """(P,): where each person's templates begin."""

    @classmethod
    def build(
        cls,
        template_ids: NDArray[np.int64],
        person_ids: NDArray[np.int64],
        embeddings: NDArray[np.float32],
    ) -> Index:
        """An index of templates in any order: (M,), (M,), (M, D)."""
        if (person_ids[1:] < person_ids[:-1]).any():
            order = np.argsort(person_ids, kind="stable")
            template_ids, person_ids = template_ids[order], person_ids[order]
            embeddings = np.ascontiguousarray(embeddings[order])
        starts = np.flatnonzero(np.r_[True, person_ids[1:] != person_ids[:-1]][: len(person_ids)])
        return cls(template_ids, person_ids, embeddings, starts)

    def search(
        self, probes: NDArray[np.float32], k: int, similarity: Similarity = inner_product
    ) -> list[list[Hit]]:
        """The ``k`` most similar people to each probe, best first; of a person the best template counts.

        Args:
            probes: (N, D) float32.
            k: at least 1.
            similarity: of probes with templates.
        """
        if not len(self.starts):
            return [[] for _ in probes]
        scores = similarity(probes, self.embeddings)
        people = np.maximum.reduceat(scores, self.starts, axis=1)
        k = min(k, len(self.starts))
        best = np.argpartition(-people, k - 1, axis=1)[:, :k]
        return [
            sorted(
                (self._hit(row, int(person)) for person in picks),
                key=lambda hit: (-hit.similarity, hit.person_id),
            )
            for row, picks in zip(scores, best, strict=True)
        ]

    def _hit(self, scores: NDArray[np.float32], person: int) -> Hit:
        start = int(self.starts[person])
        last = person + 1 == len(self.starts)
        end = len(scores) if last else int(self.starts[person + 1])
        place = start + int(scores[start:end].argmax())
        return Hit(
            int(self.person_ids[place]), int(self.template_ids[place]), float(scores[place])
        )
