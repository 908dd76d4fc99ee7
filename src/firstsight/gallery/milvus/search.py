"""Search by the server, checked and scored here.

The server gives the templates that are most alike. Those that no person names (not added yet, or
removed) are left out, the others are scored again, so that a score does not depend on where a row
lies, and the view is widened until nobody outside it can be among the best.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.milvus.connection import Row
from firstsight.gallery.milvus.view import Found, View
from firstsight.gallery.records import Match

TOP: Final = 64
"""Templates looked at first."""
WIDEST: Final = 16_384
"""The most that Milvus gives for one probe."""
WIDER: Final = 8
ANSWER: Final = 1 << 25
"""Bytes of embeddings in one answer."""
FIELDS: Final = ("pk", "template", "person", "vector")


class Search:
    """One search of several probes."""

    def __init__(self, view: View, k: int, ef: int) -> None:
        self._view, self._k, self._ef = view, k, ef
        self._people: dict[int, Found | None] = {}
        self._cache: dict[int, frozenset[tuple[int, int]]] = {}
        dimension = view.header.contract.dimension
        self._margin = dimension * 2.0**-22
        """Twice what two sums of so many products of float32 can differ, for rows of unit length."""
        self._row_bytes = 4 * dimension

    def run(self, probes: NDArray[np.float32]) -> list[list[Match]]:
        """The best people for each probe, (N, D)."""
        limit = min(WIDEST, max(TOP, 4 * self._k))
        answers: dict[int, list[Match]] = {}
        waiting = list(range(len(probes)))
        while waiting:
            step = max(1, ANSWER // (limit * self._row_bytes))
            left = []
            for start in range(0, len(waiting), step):
                part = waiting[start : start + step]
                for number, hits in zip(part, self._hits(probes[part], limit), strict=True):
                    matches = self._matches(probes[number], hits)
                    if self._enough(matches, hits, limit):
                        answers[number] = matches[: self._k]
                    elif limit == WIDEST:
                        answers[number] = self._beyond(probes[number], matches)[: self._k]
                    else:
                        left.append(number)
            waiting, limit = left, min(WIDEST, WIDER * limit)
        return [answers[number] for number in range(len(probes))]

    def _hits(
        self, probes: NDArray[np.float32], limit: int, filter_: str = ""
    ) -> list[list[tuple[float, Row]]]:
        parameters: Mapping[str, object] = (
            {"ef": max(self._ef, limit)} if self._view.header.index == "hnsw" else {}
        )
        found = self._view.connection.search(
            self._view.names.templates, list(probes), limit, FIELDS, self._view.moment, parameters, filter_
        )
        unknown = {int(row["person"]) for hits in found for _, row in hits} - self._people.keys()
        known = self._view.by_numbers(unknown)
        self._people |= {number: known.get(number) for number in unknown}
        return found

    def _matches(self, probe: NDArray[np.float32], hits: list[tuple[float, Row]]) -> list[Match]:
        """The people among the hits, each by the best template; of equals the first enrolled first."""
        best: dict[int, Match] = {}
        for _, row in hits:
            person = self._people[row["person"]]
            if person is None or (row["template"], row["pk"]) not in self._rows(person):
                continue
            embedding = np.array(row["vector"], np.float64)
            score = float(np.float32(probe.astype(np.float64) @ embedding))
            match = Match(person.record.name, person.record.id, row["template"], score)
            held = best.get(match.person_id)
            if held is None or _order(match) < _order(held):
                best[match.person_id] = match
        return sorted(best.values(), key=_order)

    def _enough(self, matches: list[Match], hits: list[tuple[float, Row]], limit: int) -> bool:
        """Whether nobody outside can be among the best: all were seen, or the rest is less alike."""
        if len(hits) < limit:
            return True
        if len(matches) < self._k:
            return False
        return matches[self._k - 1].similarity > min(score for score, _ in hits) + self._margin

    def _beyond(self, probe: NDArray[np.float32], matches: list[Match]) -> list[Match]:
        """More people than the widest view shows: those seen are left out, until there are enough."""
        found = {match.person_id: match for match in matches}
        while len(found) < self._k:
            (hits,) = self._hits(probe[None], WIDEST, f"person not in {sorted(found)}" if found else "")
            more = {match.person_id: match for match in self._matches(probe, hits)}
            if not more.keys() - found.keys():
                break
            found |= more
        return sorted(found.values(), key=_order)

    def _rows(self, person: Found) -> frozenset[tuple[int, int]]:
        held = self._cache.get(person.record.id)
        if held is None:
            held = self._cache[person.record.id] = frozenset(person.record.rows)
        return held


def _order(match: Match) -> tuple[float, int]:
    return -match.similarity, match.template_id
