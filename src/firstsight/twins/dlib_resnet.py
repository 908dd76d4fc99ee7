"""The tower of dlib's face recognition: a ResNet with 29 convolutions.

King, "High Quality Face Recognition with Deep Metric Learning" (dlib blog, 2017); the layers are those of
dlib's example ``dnn_face_recognition_ex``. Its "affine" layers are batch norms frozen after training,
folded here into the convolutions before them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

STAGES: Final = (
    # channels in, channels out, whether the block halves the map
    *((32, 32, False),) * 3,
    (32, 64, True),
    *((64, 64, False),) * 3,
    (64, 128, True),
    *((128, 128, False),) * 2,
    (128, 256, True),
    *((256, 256, False),) * 2,
    (256, 256, True),
)


def _grown(maps: Tensor, like: Tensor) -> Tensor:
    """``maps`` with zeros to the right, below and in further channels, as dlib adds unequal sizes."""
    pad = [max(0, like.shape[axis] - maps.shape[axis]) for axis in (3, 2, 1)]
    return functional.pad(maps, (0, pad[0], 0, pad[1], 0, pad[2])) if any(pad) else maps


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a short cut; a halving block averages its short cut by 2 x 2."""

    def __init__(self, inputs: int, outputs: int, halve: bool) -> None:
        super().__init__()
        # dlib pads only where the stride is 1.
        stride, padding = (2, 0) if halve else (1, 1)
        self.first = nn.Conv2d(inputs, outputs, 3, stride, padding)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.halve = halve

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W')."""
        short = functional.avg_pool2d(maps, 2, 2) if self.halve else maps
        deep: Tensor = self.second(torch.relu(self.first(maps)))
        return torch.relu(_grown(deep, short) + _grown(short, deep))


class DlibTower(nn.Module):
    """(N, 3, 150, 150) float32, normalised RGB -> (N, 128) float32, not of unit length."""

    dimension: Final = 128

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, 2)
        self.blocks = nn.Sequential(*(Block(*stage) for stage in STAGES))
        self.project = nn.Linear(256, self.dimension, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of normalised crops."""
        maps = functional.max_pool2d(torch.relu(self.stem(pixels)), 3, 2)
        embedded: Tensor = self.project(self.blocks(maps).mean(dim=(2, 3)))
        return embedded
