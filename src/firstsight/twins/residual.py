"""A compact residual tower for characters and faces: 1 to 4 million parameters.

He et al., "Identity Mappings in Deep Residual Networks" (ECCV 2016), with PReLU and an embedding by one
dense layer over the last map, as Deng et al., "ArcFace" (CVPR 2019, section 3.1), found best for faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a short cut; the first may halve the map."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        last = nn.BatchNorm2d(outputs)
        # Each block starts as its short cut (Goyal et al. 2017, section 5.1).
        nn.init.zeros_(last.weight)
        self.first = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            last,
        )
        self.short = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(
                nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity(),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C', H', W')."""
        deep: Tensor = self.first(maps)
        short: Tensor = self.short(maps)
        return deep + short


class ResidualTower(nn.Module):
    """(N, channels, size, size) float32 -> (N, dimension) float32, not of unit length."""

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        dimension: int = 128,
        widths: Sequence[int] = (32, 64, 128, 256),
        depths: Sequence[int] = (1, 2, 2, 1),
        stride: int = 1,
        dropout: float = 0.0,
    ) -> None:
        """Make the tower.

        Args:
            size: side of the pictures in pixels.
            channels: 1 for grey, 3 for RGB.
            dimension: of the embedding.
            widths: channels of each stage; every stage halves the map, but the first where the stem does.
            depths: blocks of each stage.
            stride: of the stem, 1 or 2.
            dropout: share of the last map's values that are dropped in training.
        """
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], 3, stride, 1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.PReLU(widths[0]),
        )
        blocks: list[nn.Module] = []
        inputs, side = widths[0], -(-size // stride)
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            halves = stage > 0 or stride == 1
            for place in range(depth):
                blocks.append(Block(inputs, width, 2 if halves and place == 0 else 1))
                inputs = width
            side = -(-side // 2) if halves else side
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.BatchNorm2d(inputs)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(inputs * side * side, dimension, bias=False)
        self.norm = nn.BatchNorm1d(dimension, affine=False)
        self.dimension = dimension

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch."""
        maps: Tensor = self.last(self.blocks(self.stem(pixels)))
        embedded: Tensor = self.project(self.dropout(torch.flatten(maps, 1)))
        normed: Tensor = self.norm(embedded.float())
        return normed
