"""How pixels become the numbers that a tower takes, in torch: the same at use, in training and in exports."""

from __future__ import annotations

import torch
from torch import Tensor

from firstsight.models.preprocessing import Preprocessing


def mean_of(seen: Preprocessing, device: torch.device | None = None) -> Tensor:
    """What is subtracted from each channel, (1, C, 1, 1) float32."""
    return torch.tensor(seen.mean, device=device).view(1, -1, 1, 1)


def in_range(crops: Tensor, mean: Tensor, scale: float) -> Tensor:
    """(N, S, S, C) uint8 -> (N, C, S, S) float32, channels last in memory as the crops lie.

    Args:
        crops: as ``Preprocessing.crop`` makes them; they stay as they are.
        mean: of ``mean_of``.
        scale: multiplied after that.
    """
    # Not in place: exported, that would be another graph, and so another model to galleries.
    return (crops.permute(0, 3, 1, 2).float() - mean) * scale
