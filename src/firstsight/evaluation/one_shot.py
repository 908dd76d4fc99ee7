"""One-shot classification: which of n support pictures, one of each identity, shows the probe's?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets.trials import Trial

Similarity = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]
"""(N, D), (M, D) -> (N, M)."""
LOWEST: Final = np.float32(-1)
"""No head gives less. Two rows of zeros, of photos without a face, would be one and the same face to some."""


def masked(scores: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Similarities, the lowest where a side shows no face: what was not seen is like nobody."""
    return np.where(seen, scores, LOWEST)


def one_shot_right(scores: NDArray[np.float32]) -> bool:
    """Whether the first support picture, which is mated with the probe, is the most similar alone.

    A tie is an error, as is a probe in which no face was found.

    Args:
        scores: (n,) similarity of the probe to each support picture.
    """
    return bool(scores[0] > scores[1:].max())


def trial_scores(
    similarity: Similarity,
    embeddings: NDArray[np.float32],
    trials: Sequence[Trial],
    found: NDArray[np.bool_] | None = None,
) -> list[NDArray[np.float32]]:
    """For each trial the similarity of its probe to each support picture, (n,).

    It is the lowest where either shows no face.

    Args:
        similarity: how the model compares.
        embeddings: (N, D) of the rows that trials name.
        trials: the first support row is the mated one.
        found: (N,) whether a face was found; everywhere when None.
    """
    seen = np.ones(len(embeddings), np.bool_) if found is None else found
    return [
        masked(
            similarity(embeddings[trial.probe][None], embeddings[trial.support])[0],
            seen[trial.probe] & seen[trial.support],
        )
        for trial in trials
    ]


def trials_right(
    similarity: Similarity, embeddings: NDArray[np.float32], trials: Sequence[Trial]
) -> NDArray[np.bool_]:
    """For each trial whether it is answered rightly, (n,); see ``trial_scores``."""
    scores = trial_scores(similarity, embeddings, trials)
    return np.array([one_shot_right(one) for one in scores], dtype=np.bool_)
