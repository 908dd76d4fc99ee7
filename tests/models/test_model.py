from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.errors import NotCalibrated, UsageError
from firstsight.models import Model
from firstsight.models.network import CHUNK


def crops(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def test_rows_are_unit_and_similarity_is_cosine(sface: Model) -> None:
    rows = sface.embed(crops(3))
    assert rows.dtype == np.float32
    assert rows.shape == (3, 128)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.diag(sface.similarity(rows, rows)), 1, atol=1e-5)


def test_a_batch_gives_what_single_crops_give(sface: Model) -> None:
    batch = crops(CHUNK // 112**2 + 2)
    singly = np.concatenate([sface.embed(crop[None]) for crop in batch])
    np.testing.assert_allclose(sface.embed(batch), singly, atol=1e-5)


def test_no_crops_give_no_rows(sface: Model) -> None:
    assert sface.embed(crops(0)).shape == (0, 128)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 100, 112, 3), np.uint8),
        np.zeros((1, 112, 112, 3), np.float32),
        np.zeros((112, 112, 3), np.uint8),
    ],
)
def test_other_shapes_and_types_are_refused(sface: Model, wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(UsageError, match="112 x 112"):
        sface.embed(wrong)


def test_mirrored_averaging_does_not_tell_a_crop_from_its_mirror_image(sface: Model) -> None:
    mirrored = sface.with_views(mirrored=True)
    crop = crops(1)
    turned = np.ascontiguousarray(crop[:, :, ::-1])
    np.testing.assert_allclose(mirrored.embed(crop), mirrored.embed(turned), atol=1e-5)
    assert abs(sface.embed(crop) - sface.embed(turned)).max() > 1e-3
    assert mirrored.preprocessing.version != sface.preprocessing.version


def test_an_opened_model_cannot_be_changed(sface: Model) -> None:
    with pytest.raises(FrozenInstanceError):
        sface.name = "other"  # type: ignore[misc]
    assert not any(value.requires_grad for value in sface.tower.parameters())


def test_threads_share_a_model(sface: Model) -> None:
    batches = [crops(4)[row : row + 1] for row in range(4)] * 3
    expected = [sface.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(sface.embed, batches), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_without_calibration_the_error_names_the_command(sface: Model) -> None:
    """By the model's file: `calibrate` takes no name that a recipe gave."""
    with pytest.raises(NotCalibrated, match=r"firstsight calibrate FILE\.safetensors"):
        replace(sface, name="tiny", calibration=None).calibrated()
