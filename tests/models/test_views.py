"""Several looks at one crop."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from firstsight.errors import NotCalibrated, UsageError
from firstsight.models import Model, Preprocessing
from firstsight.models.views import views


def seen(*, mirrored: bool = False, shifted: int = 0) -> Preprocessing:
    return Preprocessing(4, (), (0.0,), 1.0, mirrored, shifted=shifted)


@pytest.fixture
def crops() -> NDArray[np.uint8]:
    """Each pixel another number."""
    return np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)


def test_a_crop_alone_is_what_it_is(crops: NDArray[np.uint8]) -> None:
    (only,) = views(crops, seen())
    np.testing.assert_array_equal(only, crops)


def test_moved_to_four_sides_the_edge_goes_on(crops: NDArray[np.uint8]) -> None:
    found = list(views(crops, seen(shifted=1)))
    rows = [view[0, :, :, 0].tolist() for view in found]
    plain = crops[0, :, :, 0]
    assert rows == [
        plain.tolist(),
        plain[[0, 0, 1, 2]].tolist(),
        plain[[1, 2, 3, 3]].tolist(),
        plain[:, [0, 0, 1, 2]].tolist(),
        plain[:, [1, 2, 3, 3]].tolist(),
    ]


def test_each_has_its_mirror_image(crops: NDArray[np.uint8]) -> None:
    found = list(views(crops, seen(mirrored=True, shifted=2)))
    assert len(found) == 10
    for view, mirror in list(pairwise(found))[::2]:
        np.testing.assert_array_equal(mirror, view[:, :, ::-1])


def test_of_tensors_they_are_the_same(crops: NDArray[np.uint8]) -> None:
    """What is trained and exported sees what is seen at use."""
    choice = seen(mirrored=True, shifted=1)
    for array, tensor in zip(views(crops, choice), views(torch.from_numpy(crops), choice), strict=True):
        np.testing.assert_array_equal(array, tensor.numpy())


def test_embeddings_are_added(sface: Model) -> None:
    """Not averaged twice, none left out."""
    crops = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3), np.uint8)
    model = sface.with_views(mirrored=True, shifted=2)
    wanted = sum(sface.network(view) for view in views(crops, model.preprocessing))
    np.testing.assert_allclose(model.embed(crops), wanted / np.linalg.norm(wanted), atol=1e-6)


@pytest.mark.parametrize(("mirrored", "shifted"), [(True, 0), (False, 2), (True, 2)])
def test_thresholds_are_not_those_of_other_views(sface: Model, mirrored: bool, shifted: int) -> None:
    model = sface.with_views(mirrored=mirrored, shifted=shifted)
    with pytest.raises(NotCalibrated, match=f"sface with {model.preprocessing.looks} has no calibration"):
        model.calibrated()


def test_without_further_views_they_stay(sface: Model) -> None:
    assert sface.with_views() is sface
    views = sface.with_views(mirrored=True)
    own = replace(views, calibration=sface.calibrated())
    assert own.with_views(mirrored=True).calibrated() == sface.calibrated()


def test_views_are_told_as_the_command_line_takes_them() -> None:
    assert [seen(mirrored=one, shifted=two).looks for one in (False, True) for two in (0, 1)] == [
        "",
        "--shifted 1",
        "--mirrored",
        "--mirrored --shifted 1",
    ]


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
