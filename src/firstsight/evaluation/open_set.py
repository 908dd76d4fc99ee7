"""One to many with strangers: ISO/IEC 19795-1's FPIR and FNIR at one threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstsight.evaluation.one_shot import Similarity, masked


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """What came back for each probe: the best score, and whether the best person is the right one."""

    mated_scores: NDArray[np.float32]
    """(M,) best score of each probe of somebody enrolled."""
    mated_right: NDArray[np.bool_]
    """(M,) whether that best score belongs to the person shown."""
    stranger_scores: NDArray[np.float32]
    """(S,) best score of each stranger's probe."""

    def false_positives(self, threshold: float) -> NDArray[np.bool_]:
        """(S,) strangers who are named."""
        return self.stranger_scores >= threshold

    def false_negatives(self, threshold: float) -> NDArray[np.bool_]:
        """(M,) people enrolled who are not named, or named as somebody else."""
        return ~(self.mated_right & (self.mated_scores >= threshold))

    def threshold_at(self, fpir: float, weights: NDArray[np.float64] | None = None) -> float:
        """The lowest threshold that names at most that share of these strangers themselves.

        Args:
            fpir: the share, 0 to 1.
            weights: (S,) how often each stranger's probe counts; once each when None.
        """
        weights = np.ones(len(self.stranger_scores)) if weights is None else weights
        order = np.argsort(-self.stranger_scores, kind="stable")
        falling, named = self.stranger_scores[order], np.cumsum(weights[order])
        # The first one who would be one too many.
        place = int(np.searchsorted(named, fpir * named[-1] + 1e-9, side="right"))
        if place >= len(falling):
            return float(falling[-1])
        return float(np.nextafter(falling[place], np.float32(np.inf)))


def search(
    similarity: Similarity,
    gallery: NDArray[np.float32],
    gallery_people: NDArray[np.str_],
    mated: NDArray[np.float32],
    mated_people: NDArray[np.str_],
    strangers: NDArray[np.float32],
    *,
    found: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]] | None = None,
) -> Searches:
    """Compare all probes with a gallery of one template a person: (G, D), (M, D), (S, D).

    Args:
        similarity: how the model compares.
        gallery: of who is enrolled.
        gallery_people: whose they are.
        mated: probes of who is enrolled.
        mated_people: whose they are.
        strangers: probes of others.
        found: (G,), (M,), (S,) whether each shows a face, everywhere when None: one that does not is never
            who was looked for, and the least like everybody.
    """
    every = (np.ones(len(side), np.bool_) for side in (gallery, mated, strangers))
    enrolled, probes, others = found or every
    seen = probes[:, None] & enrolled
    scores = masked(similarity(mated, gallery), seen)
    best = scores.argmax(axis=1)
    return Searches(
        mated_scores=scores.max(axis=1),
        # Where nothing was seen, the best of equals is nobody.
        mated_right=(gallery_people[best] == mated_people) & seen[np.arange(len(best)), best],
        stranger_scores=masked(similarity(strangers, gallery), others[:, None] & enrolled).max(axis=1),
    )
