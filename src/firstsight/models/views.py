"""Several looks at one crop: moved by a pixel or two, and mirrored. Their embeddings are added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from firstsight.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import Tensor

Crops = TypeVar("Crops", NDArray[np.uint8], "Tensor")


def views(crops: Crops, seen: Preprocessing) -> Iterator[Crops]:
    """The crops as they are, then moved up, down, left and right, and the mirror image of each.

    What is moved in is the edge again.

    Args:
        crops: (N, S, S, C), an array or a tensor.
        seen: says which.
    """
    side, by = crops.shape[1], seen.shifted
    moves = [(0, 0), (-by, 0), (by, 0), (0, -by), (0, by)] if by else [(0, 0)]
    for down, right in moves:
        rows, columns = (np.clip(np.arange(side) + move, 0, side - 1).tolist() for move in (down, right))
        moved = crops[:, rows][:, :, columns] if down or right else crops
        yield moved
        if seen.mirrored:
            yield moved[:, :, list(range(side))[::-1]]
