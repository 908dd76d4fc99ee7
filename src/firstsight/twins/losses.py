"""Losses: what a twin is punished for. Each works on any head's scores.

A loss sees a batch of embeddings (N, D), their identities (N,), and which of the N x N pairs count; the
upper triangle, when it is not told.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from firstsight.twins.heads import Cosine, Head


class Loss(nn.Module):
    """From a batch to one number."""

    def forward(self, head: Head, embeddings: Tensor, labels: Tensor, chosen: Tensor | None = None) -> Tensor:
        """(N, D) float, (N,) int64, (N, N) bool or None -> ()."""
        raise NotImplementedError


def pairs(head: Head, embeddings: Tensor, labels: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Scores (P,) of the pairs that count, and whether each is mated (P,)."""
    if chosen is None:
        chosen = torch.ones(len(labels), len(labels), dtype=torch.bool, device=labels.device).triu(1)
    scores = head.score(embeddings, embeddings)
    return scores[chosen], (labels[:, None] == labels[None])[chosen]


def balanced(losses: Tensor, mated: Tensor) -> Tensor:
    """Mean over mated and mean over other pairs, half each, however many there are of either."""
    parts = [losses[kind].mean() for kind in (mated, ~mated) if kind.any()]
    return torch.stack(parts).mean()


class CrossEntropy(Loss):
    """Binary cross-entropy on the sigmoid of the score: the paper's loss (Koch et al. 2015, section 3.2).

    Scores of heads that are no logits pass through a learned line first.
    """

    def __init__(self, *, line: bool = False) -> None:
        super().__init__()
        self.line = nn.Parameter(torch.tensor((10.0, -3.0))) if line else None

    def forward(self, head: Head, embeddings: Tensor, labels: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Mean over the pairs, mated and others weighing half each."""
        scores, mated = pairs(head, embeddings, labels, chosen)
        logits = scores if self.line is None else self.line[0] * scores + self.line[1]
        losses = functional.binary_cross_entropy_with_logits(logits, mated.to(logits.dtype), reduction="none")
        return balanced(losses, mated)


class Contrastive(Loss):
    """Mated pairs drawn together, others pushed beyond a margin.

    Hadsell, Chopra, LeCun (CVPR 2006), eq. 4, less its factor 1/2, on distance = -score.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, head: Head, embeddings: Tensor, labels: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Mean over the pairs, mated and others weighing half each."""
        scores, mated = pairs(head, embeddings, labels, chosen)
        losses = torch.where(mated, scores.square(), (self.margin + scores).clamp_min(0).square())
        return balanced(losses, mated)


class HardTriplet(Loss):
    """For each picture its least alike mate against its most alike stranger in the batch.

    Hermans, Beyer, Leibe, "In Defense of the Triplet Loss" (2017), "batch hard".
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, head: Head, embeddings: Tensor, labels: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Mean over the pictures that have both a mate and a stranger; ``chosen`` is not asked."""
        scores = head.score(embeddings, embeddings)
        same = labels[:, None] == labels[None]
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        mate = scores.masked_fill(~same | itself, math.inf).amin(1)
        stranger = scores.masked_fill(same, -math.inf).amax(1)
        usable = torch.isfinite(mate) & torch.isfinite(stranger)
        losses: Tensor = (self.margin + stranger[usable] - mate[usable]).clamp_min(0)
        return losses.mean() if len(losses) else scores.sum() * 0


class MarginSoftmax(Loss):
    """Softmax over the identities of the training set, the true one's score lowered by a margin.

    ``"cosine"`` subtracts it from the score: Wang et al., "CosFace" (CVPR 2018), eq. 4. ``"angle"`` adds
    it to the angle: Deng et al., "ArcFace" (CVPR 2019), eq. 3; it needs the cosine head.
    """

    def __init__(
        self,
        classes: int,
        dimension: int,
        *,
        scale: float,
        margin: float,
        kind: str,
        smoothing: float = 0.0,
        spread: float = 0.01,
    ) -> None:
        """Begin with random centres.

        Args:
            classes: how many.
            dimension: of the embedding.
            scale: of the scores, before the softmax.
            margin: of the true class.
            kind: ``"cosine"`` or ``"angle"``.
            smoothing: of the labels.
            spread: standard deviation of the centres. Heads that look at directions only want it small:
                a long centre turns slowly.
        """
        super().__init__()
        self.centres = nn.Parameter(torch.empty(classes, dimension))
        self.scale, self.margin, self.kind, self.smoothing = scale, margin, kind, smoothing
        nn.init.normal_(self.centres, 0.0, spread)

    def forward(self, head: Head, embeddings: Tensor, labels: Tensor, chosen: Tensor | None = None) -> Tensor:
        """Mean over the pictures; ``chosen`` is not asked."""
        scores = head.score(embeddings, self.centres)
        true = scores.gather(1, labels[:, None])
        if self.kind == "angle" and isinstance(head, Cosine):
            sine = (1 - true.square()).clamp_min(1e-7).sqrt()
            turned = true * math.cos(self.margin) - sine * math.sin(self.margin)
            # Beyond pi - margin the cosine would rise again.
            lowered = torch.where(
                true > -math.cos(self.margin), turned, true - math.sin(self.margin) * self.margin
            )
        else:
            lowered = true - self.margin
        logits = self.scale * scores.scatter(1, labels[:, None], lowered)
        return functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)


def imitation(embeddings: Tensor, targets: Tensor) -> Tensor:
    """How far embeddings (N, D) point from a teacher's (N, D): the mean of 1 - cosine, 0 to 2.

    Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network" (2015), with the embedding in
    place of the classes: what a teacher thinks of a face needs no label.
    """
    return 1 - functional.cosine_similarity(embeddings, targets).mean()


LOSSES: Final = ("cross-entropy", "contrastive", "triplet", "margin-softmax")
