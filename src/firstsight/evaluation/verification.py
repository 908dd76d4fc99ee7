"""One to one: do two photos show the same person? A pair is accepted at or above the threshold."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


def best_threshold(scores: Scores, mated: NDArray[np.bool_]) -> float:
    """The threshold with the most right answers: the middle of the gap above the best cut.

    Args:
        scores: (n,) similarities.
        mated: (n,) whether of the same person.
    """
    order = np.argsort(-scores, kind="stable")
    ordered, same = scores[order], mated[order]
    # Accepting the first k pairs is right for the mated among them and the others behind them.
    right = np.r_[0, np.cumsum(same)] + np.r_[np.cumsum(~same[::-1])[::-1], 0]
    cuts = np.flatnonzero(np.r_[True, ordered[1:] < ordered[:-1], True])
    cut = int(cuts[right[cuts].argmax()])
    if cut == 0:
        return float(np.nextafter(ordered[0], np.inf))
    if cut == len(ordered):
        return float(ordered[-1])
    above, below = float(ordered[cut - 1]), float(ordered[cut])
    middle = (above + below) / 2
    # Scores are compared in their own precision, in which the middle of two neighbours may be the lower one.
    return middle if ordered.dtype.type(middle) > ordered[cut] else above


def fold_answers(
    scores: Scores,
    mated: NDArray[np.bool_],
    folds: NDArray[np.integer],
    *,
    chosen_on: Scores | None = None,
) -> NDArray[np.bool_]:
    """Which pairs are answered rightly, each by the threshold that is best on the other folds.

    Huang et al., "Labeled Faces in the Wild" (2007), section III: View 2.

    Args:
        scores: (n,) similarities.
        mated: (n,) whether of the same person.
        folds: (n,) the fold of each pair.
        chosen_on: (n,) similarities of the same pairs that thresholds are chosen on; ``scores`` when None.
    """
    known = scores if chosen_on is None else chosen_on
    right = np.empty(len(scores), dtype=np.bool_)
    for fold in np.unique(folds):
        held = folds == fold
        threshold = best_threshold(known[~held], mated[~held])
        right[held] = (scores[held] >= threshold) == mated[held]
    return right


def tar_at_far(
    scores: Scores,
    mated: NDArray[np.bool_],
    far: float,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Share of mated pairs accepted at the lowest threshold that accepts at most ``far`` of the others.

    It is no number where no pair of one of the two kinds weighs anything.

    Args:
        scores: (n,) similarities.
        mated: (n,) whether of the same person.
        far: false accept rate, 0 to 1.
        weights: (n,) how often each pair counts; once each when None.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ordered, same, weight = scores[order], mated[order], weights[order]
    false, true = np.cumsum(weight * ~same), np.cumsum(weight * same)
    if not (false[-1] and true[-1]):
        return math.nan
    # Pairs of one score are accepted together.
    last = np.r_[ordered[1:] < ordered[:-1], True]
    # A little room for the rounding of sums of weights.
    allowed = last & (false <= far * false[-1] * (1 + 1e-12))
    accepted = np.flatnonzero(allowed)
    return float(true[accepted[-1]] / true[-1]) if len(accepted) else 0.0


def equal_error_rate(
    scores: Scores, mated: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
) -> float:
    """The rate at which as many mated pairs are refused as others are accepted, between thresholds.

    It is no number where no pair of one of the two kinds weighs anything.

    Args:
        scores: (n,) similarities.
        mated: (n,) whether of the same person.
        weights: (n,) how often each pair counts; once each when None.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(-scores, kind="stable")
    ordered, same, weight = scores[order], mated[order], weights[order]
    last = np.r_[ordered[1:] < ordered[:-1], True]
    false, true = (np.r_[0, np.cumsum(weight * kind)[last]] for kind in (~same, same))
    if not (false[-1] and true[-1]):
        return math.nan
    gap = false / false[-1] - (1 - true / true[-1])
    # The gap rises from -1 to 1; it is 0 on the line between two thresholds.
    place = int(np.searchsorted(gap, 0.0))
    part = -gap[place - 1] / (gap[place] - gap[place - 1])
    rates = false / false[-1]
    return float(rates[place - 1] + part * (rates[place] - rates[place - 1]))


def roc(scores: Scores, mated: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true accept rates at every threshold, from the highest to the lowest."""
    order = np.argsort(-scores, kind="stable")
    ordered, same = scores[order], mated[order]
    last = np.r_[ordered[1:] < ordered[:-1], True]
    false, true = np.cumsum(~same)[last] / (~same).sum(), np.cumsum(same)[last] / same.sum()
    return np.r_[0, false], np.r_[0, true]
