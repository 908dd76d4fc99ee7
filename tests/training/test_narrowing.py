"""A narrower copy of a published twin."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.trainings import draw_people, tiny
from torch import Tensor

from firstsight.errors import RecipeError
from firstsight.models import Model
from firstsight.models.file import read_twin
from firstsight.training.narrowing import narrowed
from firstsight.training.recipe import Recipe
from firstsight.training.run import train
from firstsight.twins import SFaceTower
from firstsight.twins.layouts import SFACE_WIDTHS as WIDTHS

HALF = (*(width * 3 // 4 for width in WIDTHS[:-1]), WIDTHS[-1])


@pytest.fixture(scope="module")
def wide(sface: Model) -> SFaceTower:
    tower = sface.tower
    assert isinstance(tower, SFaceTower)
    return tower


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    """Smooth pictures, as photos are."""
    coarse = torch.randn(36, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, 112, mode="bicubic").clamp(-1, 1)


def agreement(left: SFaceTower, right: SFaceTower, pixels: Tensor) -> float:
    with torch.inference_mode():
        return float(torch.nn.functional.cosine_similarity(left(pixels), right(pixels)).mean())


def test_with_all_channels_it_is_the_same(wide: SFaceTower, pixels: Tensor) -> None:
    # 30 maps of 7 x 7 are more places than any stage has channels: the least squares have one answer.
    copy = narrowed(wide, WIDTHS, pixels[:30], 0).eval()
    assert agreement(copy, wide, pixels[30:]) > 0.98


def test_what_is_left_makes_up_for_what_is_gone(wide: SFaceTower, pixels: Tensor) -> None:
    """Nearer than the same channels, as they are, without least squares: those point anywhere."""
    copy = narrowed(wide, HALF, pixels[:8], 0).eval()
    assert copy.project.in_features == HALF[-1] * 7 * 7
    fitted = agreement(copy, wide, pixels[8:16])
    torch.manual_seed(0)
    assert fitted > 0.6
    assert fitted > abs(agreement(SFaceTower(widths=HALF).eval(), wide, pixels[8:16])) + 0.3


def test_it_is_the_same_each_time(wide: SFaceTower, pixels: Tensor) -> None:
    """Or a run that goes on would go on with other weights, and processes would not agree."""
    one, two = (narrowed(wide, HALF, pixels[:4], 3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_tower_has_a_width_for_each_stage() -> None:
    with pytest.raises(ValueError, match="14 widths"):
        SFaceTower(widths=(8, 8))


@pytest.fixture
def photos(tmp_path: Path, people: dict[str, list[Path]]) -> Path:
    """The sample people, a folder each."""
    for name, found in people.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for photo in found:
            shutil.copy(photo, tmp_path / "photos" / name)
    return tmp_path / "photos"


def slim(folder: Path, widths: list[int]) -> Recipe:
    """A recipe of one step."""
    changes = {
        "tower.start": "sface",
        "tower.narrow": widths,
        "teacher.model": "sface",
        "data.subject": "face",
        "schedule.epochs": 1,
        "sampler.each": 2,
        "sampler.steps": 1,
        "validation.ways": 2,
        "validation.trials": 10,
    }
    return tiny(folder, *(f"{key}={value}" for key, value in changes.items()))


def test_a_run_ends_in_a_model_file_of_that_width(tmp_path: Path, photos: Path) -> None:
    widths = [4, 8, 8, 8, 16, 16, *[16] * 6, 32, 32]
    done = train(slim(tmp_path, widths), photos, tmp_path / "run", cache=tmp_path / "cache", workers=1)
    found = read_twin(done.model)
    assert found.blueprint.tower_arguments == {"widths": widths}
    assert found.model().embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 128)


def test_more_channels_than_there_are_cannot_be_kept(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(RecipeError, match=r"tower\.narrow keeps"):
        train(slim(tmp_path, [64] * 14), photos, tmp_path / "run", cache=tmp_path / "cache", workers=1)


def test_only_a_twin_to_go_on_from_is_narrowed(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="to go on from"):
        tiny(tmp_path, "tower.narrow=[4]")


def test_a_tower_of_another_kind_is_not_narrowed(tmp_path: Path) -> None:
    data = draw_people(tmp_path / "data")
    first = train(tiny(tmp_path), data, tmp_path / "first", cache=tmp_path / "cache", workers=1).model
    assert read_twin(first).blueprint.tower == "residual"
    recipe = tiny(tmp_path, f"tower.start={first}", "tower.narrow=[4]")
    with pytest.raises(RecipeError, match="Only the tower of sface"):
        train(recipe, data, tmp_path / "run", cache=tmp_path / "cache")
