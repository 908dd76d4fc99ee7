"""Exact search in memory: every probe against every template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Similarity = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""(N, D) probes, (M, D) templates -> (N, M), higher is more alike."""

BLOCK: Final = 1 << 23
"""How many similarities are held at a time (32 MiB)."""
TOP: Final = 64
"""How many templates are looked at first for the k best people."""


def inner_product(probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine, for rows of unit length."""
    return probes @ templates.T


def exact_similarity(probe: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner products of one probe, to the last digit: (D,), (M, D) -> (M,).

    Products of single precision are exact in double, and each row is summed alike wherever it stands:
    equal templates are equally similar, which a matrix product does not promise.
    """
    products = templates.astype(np.float64) * probe
    return np.asarray(products.sum(axis=1), np.float32)


@dataclass(frozen=True, slots=True)
class Hit:
    """A person, by their best-scoring template."""

    person_id: int
    template_id: int
    similarity: float


class _Room:
    """Arrays with space to grow; rows once written stay as they are."""

    def __init__(self, capacity: int, dimension: int) -> None:
        self.template_ids = np.empty(capacity, np.int64)
        self.person_ids = np.empty(capacity, np.int64)
        self.embeddings = np.empty((capacity, dimension), np.float32)
        self.used = 0

    def append(
        self,
        template_ids: NDArray[np.int64],
        person_ids: NDArray[np.int64],
        embeddings: NDArray[np.float32],
    ) -> None:
        end = self.used + len(template_ids)
        self.template_ids[self.used : end] = template_ids
        self.person_ids[self.used : end] = person_ids
        self.embeddings[self.used : end] = embeddings
        self.used = end


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """All templates at one moment.

    It never changes: a gallery that grew has another index, which shares its memory with this one,
    so that adding costs what is added.
    """

    template_ids: NDArray[np.int64]
    """(M,), in the order in which they were enrolled."""
    person_ids: NDArray[np.int64]
    """(M,)"""
    embeddings: NDArray[np.float32]
    """(M, D), contiguous."""
    _room: _Room

    @classmethod
    def empty(cls, dimension: int) -> Self:
        """An index without templates."""
        return cls._view(_Room(0, dimension))

    def appended(
        self,
        template_ids: NDArray[np.int64],
        person_ids: NDArray[np.int64],
        embeddings: NDArray[np.float32],
    ) -> Self:
        """This index and more templates: (A,), (A,), (A, D). For one thread at a time."""
        used, room = len(self.template_ids), self._room
        total = used + len(template_ids)
        if room.used != used or total > len(room.template_ids):
            # Half as much again, so that enrolling one by one copies each row a few times at most.
            capacity = total if not used else max(total, used + used // 2)
            room = _Room(capacity, self.embeddings.shape[1])
            room.append(self.template_ids, self.person_ids, self.embeddings)
        room.append(template_ids, person_ids, embeddings)
        return self._view(room)

    def restricted(self, template_ids: NDArray[np.int64], person_ids: NDArray[np.int64]) -> Self:
        """The same templates, less those not listed, each of the person that it is listed with.

        Args:
            template_ids: (L,), ascending; may hold ones that are not here.
            person_ids: (L,), whose they are now.
        """
        places = np.searchsorted(template_ids, self.template_ids)
        inside = places < len(template_ids)
        inside[inside] = template_ids[places[inside]] == self.template_ids[inside]
        room = _Room(int(inside.sum()), self.embeddings.shape[1])
        room.append(self.template_ids[inside], person_ids[places[inside]], self.embeddings[inside])
        return self._view(room)

    @classmethod
    def _view(cls, room: _Room) -> Self:
        end = room.used
        return cls(room.template_ids[:end], room.person_ids[:end], room.embeddings[:end], room)

    def search(
        self, probes: NDArray[np.float32], k: int, similarity: Similarity = inner_product
    ) -> list[list[Hit]]:
        """The ``k`` most similar people to each probe, best first.

        Of a person the best template counts; of equals the one enrolled first comes first.

        Args:
            probes: (N, D) float32.
            k: at least 1.
            similarity: of probes with templates.
        """
        count = len(self.template_ids)
        if not count:
            return [[] for _ in probes]
        step = max(1, BLOCK // count)
        return [
            best(scores, self.template_ids, self.person_ids, k)
            for start in range(0, len(probes), step)
            for scores in similarity(probes[start : start + step], self.embeddings)
        ]


def best(
    scores: NDArray[np.float32], template_ids: NDArray[np.int64], person_ids: NDArray[np.int64], k: int
) -> list[Hit]:
    """The k best people, from the (M,) similarities of one probe and the templates in their order.

    Nobody outside the best ``top`` templates can be ahead of anybody inside, so these suffice as soon
    as they show k people; people with many templates make it widen its view.
    """
    count = len(scores)
    top = min(count, max(TOP, 4 * k))
    while True:
        if top < count:
            cut = np.partition(scores, count - top)[count - top]
            rows = np.flatnonzero(scores >= cut)
        else:
            rows = np.arange(count)
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        people, first = np.unique(person_ids[rows], return_index=True)
        if len(people) >= k or top == count:
            return [
                Hit(int(person_ids[row]), int(template_ids[row]), float(scores[row]))
                for row in rows[np.sort(first)[:k]].tolist()
            ]
        top = min(count, 8 * top)
