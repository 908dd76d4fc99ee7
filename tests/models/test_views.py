"""Several looks at one crop."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from firstsight.errors import UsageError
from firstsight.models import Model, Preprocessing
from firstsight.models.views import embedded, views


def seen(*, mirrored: bool = False, shifted: int = 0) -> Preprocessing:
    return Preprocessing(4, (), (0.0,), 1.0, mirrored, shifted=shifted)


@pytest.fixture
def pixels() -> Tensor:
    """Each pixel another number."""
    return torch.arange(16.0).reshape(1, 1, 4, 4)


def test_a_crop_alone_is_what_it_is(pixels: Tensor) -> None:
    (only,) = views(pixels, seen())
    assert torch.equal(only, pixels)


def test_moved_to_four_sides_the_edge_goes_on(pixels: Tensor) -> None:
    found = list(views(pixels, seen(shifted=1)))
    rows = [view[0, 0].tolist() for view in found]
    plain = pixels[0, 0]
    assert rows == [
        plain.tolist(),
        [plain[row].tolist() for row in (0, 0, 1, 2)],
        [plain[row].tolist() for row in (1, 2, 3, 3)],
        plain[:, [0, 0, 1, 2]].tolist(),
        plain[:, [1, 2, 3, 3]].tolist(),
    ]


def test_each_has_its_mirror_image(pixels: Tensor) -> None:
    found = list(views(pixels, seen(mirrored=True, shifted=2)))
    assert len(found) == 10
    for view, mirror in list(pairwise(found))[::2]:
        assert torch.equal(mirror, view.flip(3))


def test_embeddings_are_added(pixels: Tensor) -> None:
    """Not averaged twice, none left out: a tower of one linear layer tells."""
    layer = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    wanted = sum((layer(view) for view in views(pixels, seen(mirrored=True, shifted=1))), torch.zeros(1, 3))
    torch.testing.assert_close(embedded(layer, pixels, seen(mirrored=True, shifted=1)), wanted)


@pytest.mark.parametrize("shifted", [-1, 15])
def test_out_of_the_picture_is_refused(sface: Model, shifted: int) -> None:
    with pytest.raises(UsageError, match="0 to 14"):
        sface.with_views(shifted=shifted)


def test_views_are_part_of_the_contract(sface: Model) -> None:
    """Templates of other views are another's: a gallery must refuse them."""
    versions = {
        sface.preprocessing.version,
        sface.with_views(mirrored=True).preprocessing.version,
        sface.with_views(shifted=2).preprocessing.version,
    }
    assert len(versions) == 3
