"""Several looks at one crop: moved by a pixel or two, and mirrored. Their embeddings are added."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import torch
from torch import Tensor, nn

from firstsight.models.preprocessing import Preprocessing


def embedded(tower: nn.Module, pixels: Tensor, seen: Preprocessing) -> Tensor:
    """The sum of what a tower makes of each view, (N, C, S, S) -> (N, D)."""
    total: Tensor = reduce(torch.add, map(tower, views(pixels, seen)))
    return total


def views(pixels: Tensor, seen: Preprocessing) -> Iterator[Tensor]:
    """The crops as they are, then moved up, down, left and right, and the mirror image of each.

    Args:
        pixels: (N, C, S, S).
        seen: says which.
    """
    for moved in _moved(pixels, seen.shifted):
        yield moved
        if seen.mirrored:
            yield moved.flip(3)


def _moved(pixels: Tensor, by: int) -> Iterator[Tensor]:
    yield pixels
    if not by:
        return
    side = pixels.shape[2]
    wide = nn.functional.pad(pixels, (by, by, by, by), mode="replicate")
    for down, right in ((0, by), (2 * by, by), (by, 0), (by, 2 * by)):
        # Laid out as the crops are: a tower computes faster so.
        part = wide[:, :, down : down + side, right : right + side]
        yield part.contiguous(memory_format=torch.channels_last)
