"""The tower of SFace: a plain MobileNet with PReLU, batch norms folded into its convolutions.

Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (IEEE TIP 2021);
the published network is the 112 x 112 MobileNetV1-like one of OpenCV Zoo (9.6 M parameters).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from firstsight.twins.layouts import SFACE_DIMENSION, SFACE_STRIDES, SFACE_WIDTHS


def _unit(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> nn.Sequential:
    """A convolution (its batch norm folded in) and its PReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups),
        nn.PReLU(outputs),
    )


class SFaceTower(nn.Module):
    """(N, 3, 112, 112) float32, normalised RGB -> (N, 128) float32, not of unit length."""

    dimension: Final = SFACE_DIMENSION

    def __init__(self, *, widths: Sequence[int] = SFACE_WIDTHS) -> None:
        """Make the tower, as published or narrower.

        Raises:
            ValueError: not one width for each stage.
        """
        if len(widths) != len(SFACE_WIDTHS) or min(widths) < 1:
            raise ValueError(f"sface has {len(SFACE_WIDTHS)} widths above 0, not {list(widths)}")
        super().__init__()
        units = [_unit(3, widths[0], 3, 1, 1)]
        for (inputs, outputs), stride in zip(pairwise(widths), SFACE_STRIDES, strict=True):
            units += [_unit(inputs, inputs, 3, stride, inputs), _unit(inputs, outputs, 1, 1, 1)]
        self.units = nn.Sequential(*units)
        self.project = nn.Linear(widths[-1] * 7 * 7, self.dimension)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of normalised crops."""
        maps: Tensor = self.units(pixels)
        embedded: Tensor = self.project(torch.flatten(maps, 1))
        return embedded
