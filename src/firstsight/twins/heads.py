"""Heads: how two embeddings become one score. Higher is more alike, in every head.

A head has two faces. ``score`` is what losses work on: unbounded, as the papers have it. ``similarity``
is what leaves the twin: the same order, between -1 and 1.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional


def unit(embeddings: Tensor) -> Tensor:
    """Rows scaled to unit length: (N, D) -> (N, D). A row of zeros stays zeros."""
    return functional.normalize(embeddings, dim=1)


def cosine(left: Tensor, right: Tensor) -> Tensor:
    """Cosine of every left row with every right row, -1 to 1: (N, D), (M, D) -> (N, M)."""
    return unit(left) @ unit(right).T


class Head(nn.Module):
    """Compares every left embedding with every right one."""

    def template(self, embeddings: Tensor) -> Tensor:
        """What is kept of an embedding for later comparison: (N, D) -> (N, D)."""
        return embeddings

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M), unbounded."""
        raise NotImplementedError

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """(N, D), (M, D) -> (N, M) between -1 and 1, in the order of the scores."""
        raise NotImplementedError

    def template_of(self, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        """``template``, of arrays."""
        with torch.inference_mode():
            return self.template(torch.from_numpy(np.array(embeddings))).numpy()

    def similarity_of(self, left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
        """``similarity``, of arrays."""
        with torch.inference_mode():
            return self.similarity(
                torch.from_numpy(np.array(left)), torch.from_numpy(np.array(right))
            ).numpy()


class Cosine(Head):
    """The cosine of the angle between two embeddings."""

    def template(self, embeddings: Tensor) -> Tensor:
        """Rows of unit length."""
        return unit(embeddings)

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """The cosine itself."""
        return cosine(left, right)

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """The cosine itself."""
        return cosine(left, right)


class Euclidean(Head):
    """The negated distance, as the contrastive loss needs it.

    Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping" (CVPR 2006).
    """

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """The negated Euclidean distance, from minus infinity to 0."""
        # By differences: |x|^2 + |y|^2 - 2xy would leave a picture at a distance from itself.
        return -torch.cdist(left, right, compute_mode="donot_use_mm_for_euclid_dist")

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """1 at distance 0, falling to -1."""
        score = self.score(left, right)
        return (1 + score) / (1 - score)


class WeightedL1(Head):
    """A learned sum of the components' absolute differences, whose sigmoid is "the same" in the paper.

    Koch, Zemel, Salakhutdinov (2015), section 3.1: p = sigmoid(sum_j alpha_j |h1_j - h2_j|), without a
    bias; public ports add one.
    """

    def __init__(self, dimension: int, *, bias: bool = False) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.empty(dimension))
        self.bias = nn.Parameter(torch.zeros(())) if bias else None
        nn.init.normal_(self.alpha, 0.0, 0.2)

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        """The logit of "the same"."""
        # |a| d(x, y) = d(a x, a y): one sum over the positive weights less one over the negative ones.
        positive, negative = self.alpha.clamp_min(0), (-self.alpha).clamp_min(0)
        logit = torch.cdist(left * positive, right * positive, p=1) - torch.cdist(
            left * negative, right * negative, p=1
        )
        return logit if self.bias is None else logit + self.bias

    def similarity(self, left: Tensor, right: Tensor) -> Tensor:
        """The logit brought between -1 and 1 by x / (1 + |x|), which does not saturate as p does."""
        return functional.softsign(self.score(left, right))


HEADS: Final = ("cosine", "euclidean", "weighted-l1")


def build_head(name: str, dimension: int, *, bias: bool = False) -> Head:
    """A head by its name in recipes and model files.

    Raises:
        ValueError: no such head.
    """
    if name == "weighted-l1":
        return WeightedL1(dimension, bias=bias)
    if name == "euclidean":
        return Euclidean()
    if name == "cosine":
        return Cosine()
    raise ValueError(f"no head called {name!r}; known: {', '.join(HEADS)}")
