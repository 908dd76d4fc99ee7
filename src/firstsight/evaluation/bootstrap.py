"""Intervals by bootstrap over people, because photos of one person do not err independently.

Where trials have more in common than a person, what they have in common is drawn: alphabets, runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

REPLICATES: Final = 1000
COVERAGE: Final = 0.95

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its 95 % interval, and the number of trials behind it."""

    value: float
    low: float
    high: float
    n: int


def measure(
    statistic: Callable[[Weights], float],
    first: Sequence[str],
    second: Sequence[str] | None = None,
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> Measure:
    """A statistic of weighted trials, with its percentile interval.

    Each replicate draws as many people as there are, with replacement; a trial weighs as often as its
    person was drawn, or, if it compares two people, the product of both. A replicate that draws no trial, or
    none of a kind that the statistic needs, tells nothing and is left out. Where all are, nothing is known of
    the figure, and its interval is all that a share can be: 0 to 1.

    Args:
        statistic: a share, of the trials' weights (n,); no number where they leave it undefined.
        first: the person of each trial.
        second: the other person of each trial; a trial with the same person twice counts it once.
        seed: of the draws.
        replicates: how many.
    """
    everyone, flat = np.unique([*first, *(second or ())], return_inverse=True)
    left, right = flat[: len(first)], flat[len(first) :]
    draw = np.random.default_rng(seed)
    values = []
    for _ in range(replicates):
        counts = np.bincount(draw.integers(len(everyone), size=len(everyone)), minlength=len(everyone))
        weights = counts[left].astype(np.float64)
        if second is not None:
            weights = np.where(left == right, weights, weights * counts[right])
        if weights.any() and not math.isnan(value := statistic(weights)):
            values.append(value)
    low, high = percentiles(values) if values else (0.0, 1.0)
    return Measure(statistic(np.ones(len(first))), low, high, len(first))


def widened(found: Measure, owners: int) -> Measure:
    """The same figure; where all trials came out alike, with the interval that so many owners allow.

    Every draw of such trials comes out alike too, though others might not: where all were right or none was,
    the interval is that of as many owners who all came out so (Clopper and Pearson, Biometrika 1934).
    """
    edge = ((1 - COVERAGE) / 2) ** (1 / owners)
    if found.value == found.low == 1:
        return replace(found, low=edge)
    return replace(found, high=1 - edge) if found.value == found.high == 0 else found


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 % of a bootstrap's values."""
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
