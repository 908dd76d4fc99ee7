"""How long a piece of work takes, in a way that two of them can be compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one piece of work."""

    median: float
    fastest: float
    slowest: float
    rounds: int

    @classmethod
    def of(cls, spent: Sequence[float]) -> Self:
        """Of the milliseconds of each round."""
        return cls(statistics.median(spent), min(spent), max(spent), len(spent))

    def as_json(self) -> dict[str, float | int]:
        """Plain values."""
        return {
            "median_ms": round(self.median, 3),
            "fastest_ms": round(self.fastest, 3),
            "slowest_ms": round(self.slowest, 3),
            "rounds": self.rounds,
        }


def compare(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timing]:
    """Time several pieces of work in turn, round by round, after one round to warm up.

    Taking turns lets a slow moment of the machine fall on all of them.
    """
    spent: dict[str, list[float]] = {name: [] for name in work}
    for name in work:
        work[name]()
    for _ in range(rounds):
        for name, job in work.items():
            spent[name].append(milliseconds(job))
    return {name: Timing.of(values) for name, values in spent.items()}


def milliseconds(job: Callable[[], object]) -> float:
    """How long a job takes once."""
    start = time.perf_counter()
    job()
    return 1000 * (time.perf_counter() - start)


def figure(value: float, unit: str) -> dict[str, float | str]:
    """A figure as JSON."""
    return {"value": float(value), "unit": unit}
