from __future__ import annotations

import pytest
import torch
from torch import nn

from firstsight.twins import DlibTower, SFaceTower


@pytest.mark.parametrize(("tower", "size"), [(SFaceTower(), 112), (DlibTower(), 150)])
def test_shapes(tower: nn.Module, size: int) -> None:
    with torch.inference_mode():
        assert tower.eval()(torch.zeros(2, 3, size, size)).shape == (2, 128)


def test_dlib_has_29_convolutions_and_the_published_number_of_values() -> None:
    convolutions = [part for part in DlibTower().modules() if isinstance(part, nn.Conv2d)]
    assert len(convolutions) == 29
    # The file holds an affine layer (gain, offset) beside each convolution; ours are folded.
    folded = sum(value.numel() for value in DlibTower().parameters())
    assert folded + sum(2 * part.out_channels for part in convolutions) == 5_614_592
