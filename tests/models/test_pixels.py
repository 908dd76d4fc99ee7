from __future__ import annotations

import torch

from firstsight.models.pixels import in_range, mean_of
from firstsight.models.preprocessing import Preprocessing


def test_pixels_come_into_the_range_that_a_tower_takes() -> None:
    seen = Preprocessing(2, (), (0.0, 100.0, 255.0), -1 / 255)
    crops = torch.randint(0, 256, (3, 2, 2, 3), dtype=torch.uint8)
    kept = crops.clone()
    found = in_range(crops, mean_of(seen), seen.scale)
    expected = (crops.double() - torch.tensor(seen.mean).double()) * seen.scale
    torch.testing.assert_close(found.permute(0, 2, 3, 1).double(), expected, atol=1e-6, rtol=0)
    assert found.dtype == torch.float32
    assert torch.equal(crops, kept)
    # As the crops lie: otherwise every convolution would turn it over first.
    assert found.is_contiguous(memory_format=torch.channels_last)
