"""Watches a run and ends it when it cannot come to anything, with what to do."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import torch
from torch import Tensor

from firstsight.datasets.samplers import Batch
from firstsight.errors import TrainingStopped
from firstsight.twins import unit

PATIENCE: Final = 50
"""Steps in a row that something may be wrong."""
LEAST_SPREAD: Final = 1e-3


@dataclass(slots=True)
class Monitor:
    """Counts what goes wrong in a row."""

    compares: bool
    """Whether the loss looks at pairs."""
    collapsed: int = field(default=0)
    one_sided: int = field(default=0)

    def look(self, loss: float, embeddings: Tensor, batch: Batch) -> None:
        """Judge one step.

        Raises:
            TrainingStopped: the loss is no number, all embeddings are alike, or pairs are of one kind.
        """
        if not math.isfinite(loss):
            raise TrainingStopped(
                f"The loss became {loss}.",
                hint="Lower optimiser.rate and the rates of optimiser.layers, or raise schedule.warmup.",
            )
        with torch.no_grad():
            spread = float(unit(embeddings.float()).std(0).norm())
        self.collapsed = self.collapsed + 1 if spread < LEAST_SPREAD else 0
        if self.collapsed >= PATIENCE:
            raise TrainingStopped(
                f"The embedding has collapsed: for {PATIENCE} steps all pictures had the same one "
                f"(spread {spread:.1g}).",
                hint="Lower optimiser.rate and the rates of optimiser.layers, raise the margin, or take "
                "another loss.",
            )
        self.one_sided = self.one_sided + 1 if self.compares and not balanced(batch) else 0
        if self.one_sided >= PATIENCE:
            raise TrainingStopped(
                f"For {PATIENCE} steps the batches held only mated or only other pairs.",
                hint="Raise sampler.each or sampler.identities.",
            )


def balanced(batch: Batch) -> bool:
    """Whether a batch holds both mated and other pairs."""
    same = batch.labels[:, None] == batch.labels[None]
    if batch.chosen is not None:
        kinds = same[batch.chosen]
        return bool(kinds.any() and not kinds.all())
    return bool(same.sum() > len(same) and not same.all())
