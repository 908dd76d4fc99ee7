"""Which people of the pool are averaged into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.samples.pool import Pool

VIEWS = 4
MEMBERS = 6
SAME = 0.46
"""Two identities at or above this mean similarity may be one person under two numbers."""
OWN = 0.36
"""A person whose own photos agree less than this is left out."""
TONE = 16.0
"""Degrees: a member's skin is no lighter or darker than the anchor's than this."""
APART = 0.28
"""Anchors are no more alike than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """One person of the pool: rows of their usable photos."""

    rows: NDArray[np.intp]
    mean: NDArray[np.float32]
    """(128,) of unit length."""
    tone: float
    """Individual typology angle of the cheeks in degrees: high is light, low is dark (Chardon 1991)."""


@dataclass(frozen=True, slots=True)
class Group:
    """The look-alikes of an anchor, who gives no pixels."""

    anchor: int
    members: tuple[int, ...]


def usable(pool: Pool) -> list[Person]:
    """People with four clean photos that agree: no dark glasses, hats, grey or blurred pictures."""
    light, red, yellow, sharp, under, forehead, bridge = pool.looks.T
    clean = (under > 0.64) & (forehead > 0.70) & (forehead < 1.50) & (yellow > 5) & (red > 3)
    clean &= (sharp > np.percentile(sharp, 4)) & (bridge < np.percentile(bridge, 94))
    clean &= (light > 25) & (light < 88)
    people = []
    for name in np.unique(pool.people):
        rows = np.flatnonzero((pool.people == name) & clean)
        if len(rows) < VIEWS:
            continue
        alike = pool.templates[rows] @ pool.templates[rows].T
        if alike[np.triu_indices(len(rows), 1)].min() < OWN:
            continue
        mean = pool.templates[rows].mean(0)
        tone = np.degrees(np.arctan2(light[rows] - 50, yellow[rows]))
        people.append(Person(rows, mean / np.linalg.norm(mean), float(np.median(tone))))
    return people


def groups(people: list[Person], wanted: int) -> list[Group]:
    """Groups without a common member, their anchors unlike each other.

    The closest look-alikes come first, four ranges of skin tone in turn, so that the rare dark ones are
    not left over.
    """
    alike = (means := np.stack([person.mean for person in people])) @ means.T
    tones = np.array([person.tone for person in people])
    ranges = np.digitize(tones, np.percentile(tones, (8, 22, 60)))
    free = np.ones(len(people), dtype=bool)
    nearest = np.full(len(people), -1.0, dtype=np.float32)
    made: list[Group] = []
    for number in range(4 * wanted):
        choice = np.flatnonzero(free & (ranges == number % 4) & (nearest < APART))
        tries = [
            Group(
                int(anchor),
                _members(alike, free & (abs(tones - tones[anchor]) < TONE), int(anchor)),
            )
            for anchor in choice
        ]
        full = [group for group in tries if len(group.members) == MEMBERS]
        if not full or len(made) == wanted:
            continue
        best = max(full, key=lambda group: float(alike[group.anchor, group.members].mean()))
        free[[best.anchor, *best.members]] = False
        np.maximum(nearest, alike[best.anchor], out=nearest)
        made.append(best)
    return made


def _members(alike: NDArray[np.float32], free: NDArray[np.bool_], anchor: int) -> tuple[int, ...]:
    """The anchor's nearest free people, none of whom may be another of them under a second number."""
    members: list[int] = []
    for other in np.argsort(-alike[anchor]):
        near = [anchor, *members]
        if other != anchor and free[other] and alike[other, near].max() < SAME:
            members.append(int(other))
        if len(members) == MEMBERS:
            break
    return tuple(members)
