"""The tower of SFace: a plain MobileNet with PReLU, batch norms folded into its convolutions.

Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (IEEE TIP 2021);
the published network is the 112 x 112 MobileNetV1-like one of OpenCV Zoo (9.6 M parameters).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

STAGES: Final = (
    # channels in, channels out, stride of the depthwise convolution
    (32, 64, 1),
    (64, 128, 2),
    (128, 128, 1),
    (128, 256, 2),
    (256, 256, 1),
    (256, 512, 2),
    *((512, 512, 1),) * 5,
    (512, 1024, 2),
    (1024, 1024, 1),
)


def _unit(inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> nn.Sequential:
    """A convolution (its batch norm folded in) and its PReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups),
        nn.PReLU(outputs),
    )


class SFaceTower(nn.Module):
    """(N, 3, 112, 112) float32, normalised RGB -> (N, 128) float32, not of unit length."""

    dimension: Final = 128

    def __init__(self) -> None:
        super().__init__()
        units = [_unit(3, 32, 3, 1, 1)]
        for inputs, outputs, stride in STAGES:
            units += [_unit(inputs, inputs, 3, stride, inputs), _unit(inputs, outputs, 1, 1, 1)]
        self.units = nn.Sequential(*units)
        self.project = nn.Linear(1024 * 7 * 7, self.dimension)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch of normalised crops."""
        maps: Tensor = self.units(pixels)
        embedded: Tensor = self.project(torch.flatten(maps, 1))
        return embedded
