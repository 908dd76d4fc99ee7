"""Exact search by the server: pgvector's inner product of a probe with every template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.index import TOP
from firstsight.gallery.postgres.connection import Cursor
from firstsight.gallery.postgres.embeddings import vector
from firstsight.gallery.records import Match

NEAREST: Final = """
    SELECT best.id, person_id, name, score
    FROM (
        SELECT id, person_id, -(embedding <#> %s::vector) AS score
        FROM template ORDER BY score DESC, id LIMIT %s
    ) AS best
    JOIN person ON person.id = person_id
    ORDER BY score DESC, best.id
"""
"""``<#>`` is the negative inner product. Ordered by what it makes of it, the planner never answers
from an index of somebody's for ``<#>``, whose answers are not exact."""


def nearest(cursor: Cursor, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
    """The ``k`` most similar people to each probe, best first.

    Of a person the best template counts; of equals the one enrolled first comes first. Nobody
    outside the best ``top`` templates can be ahead of anybody inside, so these suffice as soon as
    they show k people; people with many templates make it ask again.
    """
    found: dict[int, list[Match]] = {}
    top = max(TOP, 4 * k)
    while pending := [number for number in range(len(probes)) if number not in found]:
        cursor.executemany(NEAREST, [(vector(probes[number]), top) for number in pending], returning=True)
        for number, _ in zip(pending, cursor.results(), strict=True):
            rows = cursor.fetchall()
            people = _people(rows)
            if len(people) >= k or len(rows) < top:
                found[number] = people[:k]
        top *= 8
    return [found[number] for number in range(len(probes))]


def _people(rows: Sequence[tuple[Any, ...]]) -> list[Match]:
    """Everybody in rows of ``NEAREST``, by the first of their templates."""
    best: dict[int, Match] = {}
    for template_id, person_id, name, score in rows:
        best.setdefault(person_id, Match(name, person_id, template_id, score))
    return list(best.values())
