"""Heads: how two embeddings become one similarity. Higher is more alike, in every head."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def unit(embeddings: Tensor) -> Tensor:
    """Rows scaled to unit length: (N, D) -> (N, D). A row of zeros stays zeros."""
    return functional.normalize(embeddings, dim=1)


def cosine(left: Tensor, right: Tensor) -> Tensor:
    """Cosine of every left row with every right row, -1 to 1: (N, D), (M, D) -> (N, M)."""
    return unit(left) @ unit(right).T
