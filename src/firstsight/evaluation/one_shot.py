"""One-shot classification: which of n support pictures, one of each person, shows the probe's?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def one_shot_right(probe: NDArray[np.float32], support: NDArray[np.float32]) -> bool:
    """Whether the first support picture, which is of the probe's person, is the most similar alone.

    A tie is an error: a probe without a face is as similar to everybody.

    Args:
        probe: (D,)
        support: (n, D), the mated one first.
    """
    scores = support @ probe
    return bool(scores[0] > scores[1:].max())
