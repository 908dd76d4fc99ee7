"""How strong a similarity is as evidence: the likelihood ratio by isotonic regression.

Brümmer, du Preez, "Application-independent evaluation of speaker detection" (2006), section on the PAV
algorithm; with one trial of misleading evidence added at either end, so that no ratio is infinite.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

LEAST: Final = 1e-9
"""Bins with less weight than this are empty."""


def pool_adjacent_violators(values: Counts, weights: Counts) -> Counts:
    """The non-decreasing sequence nearest to ``values`` in weighted squares: (n,), (n,) -> (n,)."""
    means: list[float] = []
    sizes: list[float] = []
    lengths: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        sizes.append(weight)
        lengths.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            size = sizes[-2] + sizes[-1]
            means[-2] = (means[-2] * sizes[-2] + means[-1] * sizes[-1]) / size
            sizes[-2], lengths[-2] = size, lengths[-2] + lengths[-1]
            del means[-1], sizes[-1], lengths[-1]
    return np.repeat(means, lengths)


def evidence(
    edges: NDArray[np.float64], impostor: Counts, mated: Counts, person_pairs: float
) -> tuple[tuple[float, float], ...]:
    """(similarity, log10 likelihood ratio) knots, rising in both.

    Args:
        edges: (B + 1,) of the bins.
        impostor: (B,) pairs of two people.
        mated: (B,) pairs of one person.
        person_pairs: number of pairs of two people that the impostor pairs come from; photos of the same
            two people tell little more than one pair, and the cap rests on this.
    """
    false = impostor / impostor.sum()
    true = mated / mated.sum()
    # One misleading trial at either end.
    true[0] += 1 / mated.sum()
    false[-1] += 1 / person_pairs
    filled = true + false > LEAST * (1 / person_pairs)
    filled[[0, -1]] = True
    centres = ((edges[:-1] + edges[1:]) / 2)[filled]
    true, false = true[filled], false[filled]
    weights = true + false
    fitted = pool_adjacent_violators(true / weights, weights)
    ratios = np.log10(fitted) - np.log10(1 - fitted)
    # One knot in the middle of each level.
    levels, starts = np.unique(ratios, return_index=True)
    ends = np.r_[starts[1:], len(ratios)]
    knots = []
    for level, start, end in zip(levels, starts, ends, strict=True):
        middle = float(np.average(centres[start:end], weights=weights[start:end]))
        knots.append((round(middle, 5), round(float(level), 4)))
    return tuple(dict(knots).items())
