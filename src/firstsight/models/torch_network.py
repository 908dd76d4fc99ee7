"""A tower that torch runs."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from firstsight.models.network import chunks
from firstsight.models.pixels import in_range, mean_of
from firstsight.models.preprocessing import Preprocessing


class TorchNetwork:
    """See ``Network``."""

    engine: Final = "torch"

    def __init__(self, tower: nn.Module, seen: Preprocessing) -> None:
        """Take a tower over: it is not to be trained any more.

        Args:
            tower: (N, C, S, S) float32 -> (N, D) float32.
            seen: the range of numbers that it takes.
        """
        frozen = tower.eval().requires_grad_(False)
        # Module.to does not declare the argument that it documents.
        self._tower: nn.Module = frozen.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mean, self._scale = mean_of(seen), seen.scale

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops."""
        with torch.inference_mode():
            found = [self._tower(self._pixels(chunk)) for chunk in chunks(crops)]
            return torch.cat(found).numpy()

    def tower(self) -> nn.Module:
        """The tower itself."""
        return self._tower

    def _pixels(self, crops: NDArray[np.uint8]) -> Tensor:
        return in_range(torch.from_numpy(np.array(crops, order="C")), self._mean, self._scale)
