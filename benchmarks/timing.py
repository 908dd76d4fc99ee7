"""How long a piece of work takes, in a way that two of them can be compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one piece of work."""

    median: float
    fastest: float
    rounds: int

    def as_json(self) -> dict[str, float | int]:
        """Plain values."""
        return {
            "median_ms": round(self.median, 3),
            "fastest_ms": round(self.fastest, 3),
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
            start = time.perf_counter()
            job()
            spent[name].append(1000 * (time.perf_counter() - start))
    return {name: Timing(statistics.median(values), min(values), rounds) for name, values in spent.items()}
