"""The tower of the founding text.

Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition" (2015), figure 4:
four convolutions without padding, three of them halved by max pooling, one dense layer with a sigmoid.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

LAYERS: Final = ("conv1", "conv2", "conv3", "conv4", "dense")
"""The layers whose learning rate, momentum and L2 are set one by one (section 3.2)."""
INITIALISATIONS: Final = ("paper", "he")


class KochTower(nn.Module):
    """(N, 1, 105, 105) float32 -> (N, 4096) float32 between 0 and 1."""

    dimension: Final = 4096
    size: Final = 105

    def __init__(self, *, initialisation: str = "paper") -> None:
        """Make the tower.

        Args:
            initialisation: ``"paper"``, or ``"he"``: weights that keep the size of what passes through
                (He et al., ICCV 2015), biases 0. The paper's let less of the differences between two
                pictures through with every layer, and fill the sigmoids: thousands of steps go by before
                the loss begins to fall.

        Raises:
            ValueError: another initialisation.
        """
        if initialisation not in INITIALISATIONS:
            raise ValueError(f"no initialisation {initialisation!r}; known: {', '.join(INITIALISATIONS)}")
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 10)
        self.conv2 = nn.Conv2d(64, 128, 7)
        self.conv3 = nn.Conv2d(128, 128, 4)
        self.conv4 = nn.Conv2d(128, 256, 4)
        self.dense = nn.Linear(256 * 6 * 6, self.dimension)
        self.pool = nn.MaxPool2d(2)
        for name in LAYERS:
            layer = getattr(self, name)
            if initialisation == "he":
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
            else:
                # Section 3.2: weights N(0, 0.01), those of the dense layer N(0, 0.2), biases N(0.5, 0.01).
                nn.init.normal_(layer.weight, 0.0, 0.2 if name == "dense" else 0.01)
                nn.init.normal_(layer.bias, 0.5, 0.01)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed a batch."""
        maps = self.pool(torch.relu(self.conv1(pixels)))
        maps = self.pool(torch.relu(self.conv2(maps)))
        maps = self.pool(torch.relu(self.conv3(maps)))
        maps = torch.relu(self.conv4(maps))
        return torch.sigmoid(self.dense(torch.flatten(maps, 1)))
