from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.trainings import tiny

from firstsight.errors import RecipeError, UnknownModel
from firstsight.models import Card
from firstsight.models.file import TwinFile, weights, write_twin
from firstsight.models.sface import PREPROCESSING as SFACE
from firstsight.training.building import FACE_SIDE, build_loss, build_twin, seen, view_of
from firstsight.twins import (
    Contrastive,
    Cosine,
    CrossEntropy,
    Euclidean,
    HardTriplet,
    MarginSoftmax,
    WeightedL1,
)


def test_the_twin_is_the_recipes(tmp_path: Path) -> None:
    twin = build_twin(tiny(tmp_path, "data.channels=1", "head.name=weighted-l1", "head.bias=true"))
    assert twin.tower(torch.zeros(2, 1, 16, 16)).shape == (2, 16)
    assert isinstance(twin.head, WeightedL1)
    assert twin.head.bias is not None
    assert twin.blueprint.dimension == 16
    again = twin.blueprint.build()[0]
    again.load_state_dict(twin.tower.state_dict())


def test_the_papers_twin_has_38951744_parameters(tmp_path: Path) -> None:
    """Koch et al. (2015): without a bias in the head."""
    recipe = tiny(
        tmp_path,
        "tower.name=koch",
        "tower.dropout=0",
        "data.size=105",
        "data.channels=1",
        "head.name=weighted-l1",
        "loss.name=cross-entropy",
    )
    twin = build_twin(recipe)
    assert sum(value.numel() for part in (twin.tower, twin.head) for value in part.parameters()) == 38_951_744


def test_fresh_weights_are_drawn_by_the_recipes_seed(tmp_path: Path) -> None:
    recipe = tiny(tmp_path)
    weights = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        own = replace(recipe, seed=seed)
        weights.append((build_twin(own).tower.state_dict()["project.weight"], build_loss(own, 5, 16)))
    centres = [loss.state_dict()["centres"] for _, loss in weights]
    for values in ([tower for tower, _ in weights], centres):
        assert torch.equal(values[0], values[1])
        assert not torch.equal(values[0], values[2])


def test_paper_is_0_and_ink_1_or_the_range_is_minus_1_to_1(tmp_path: Path) -> None:
    ink = seen(tiny(tmp_path, "data.ink=true", "data.channels=1"))
    grey = seen(tiny(tmp_path))
    values = np.array((0.0, 255.0))
    np.testing.assert_allclose((values - ink.mean[0]) * ink.scale, (1, 0))
    np.testing.assert_allclose((values - grey.mean[0]) * grey.scale, (-1, 1))
    assert (ink.channels, grey.channels) == (1, 3)
    assert ink.points == ()


def test_a_face_lies_in_its_crop_as_in_sfaces(tmp_path: Path) -> None:
    preprocessing = seen(tiny(tmp_path, "data.subject=face", "data.size=56", "data.oversample=2"))
    np.testing.assert_allclose(preprocessing.template_points, np.array(SFACE.points) / 2, atol=1e-4)
    view = view_of(preprocessing)
    assert (view.side, view.channels) == (FACE_SIDE, 3)
    points = np.array(view.points)
    assert (points > 16).all()
    assert (points < FACE_SIDE - 16).all()


def test_a_whole_picture_is_prepared_as_large_as_it_is_cut(tmp_path: Path) -> None:
    view = view_of(seen(tiny(tmp_path, "data.oversample=3", "data.channels=1")))
    assert (view.side, view.channels, view.points) == (48, 1, ())


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (("loss.name=cross-entropy",), CrossEntropy),
        (("loss.name=contrastive", "head.name=euclidean", "loss.margin=0.7"), Contrastive),
        (("loss.name=triplet", "loss.margin=0.7"), HardTriplet),
        (("loss.margin=0.7", "loss.scale=9", "loss.smoothing=0.1"), MarginSoftmax),
    ],
)
def test_the_loss_is_the_recipes(tmp_path: Path, changes: tuple[str, ...], kind: type) -> None:
    recipe = tiny(tmp_path, *changes)
    loss = build_loss(recipe, 5, 16)
    assert type(loss) is kind
    if kind is not CrossEntropy:
        assert getattr(loss, "margin") == 0.7  # noqa: B009 - no loss of all has one
    if isinstance(loss, MarginSoftmax):
        assert (loss.scale, loss.smoothing, tuple(loss.centres.shape)) == (9, 0.1, (5, 16))


def test_only_heads_that_give_no_logit_get_a_line(tmp_path: Path) -> None:
    cosine = build_loss(tiny(tmp_path, "loss.name=cross-entropy"), 5, 16)
    logit = build_loss(tiny(tmp_path, "loss.name=cross-entropy", "head.name=weighted-l1"), 5, 16)
    assert len(list(cosine.parameters())) == 1
    assert list(logit.parameters()) == []


def test_a_twin_that_starts_from_a_published_model_is_that_model(tmp_path: Path) -> None:
    from firstsight.models import open_model

    twin = build_twin(tiny(tmp_path, "tower.start=sface", "head.name=euclidean"))
    published = open_model("sface")
    assert twin.preprocessing == published.preprocessing
    assert isinstance(twin.head, Euclidean)
    assert all(value.requires_grad for value in twin.tower.parameters())
    pixels = torch.randn(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(twin.tower.eval()(pixels), published.tower(pixels))


@pytest.mark.parametrize(("head", "kept"), [("weighted-l1", True), ("cosine", False)])
def test_a_twin_that_goes_on_has_its_head_where_the_recipe_asks_for_it(
    tmp_path: Path, head: str, kept: bool
) -> None:
    """A head drawn anew would begin by forgetting what the first run learnt to compare by."""
    loss = "loss.name=cross-entropy"
    first = build_twin(tiny(tmp_path, "head.name=weighted-l1", loss))
    with torch.no_grad():
        for value in first.head.parameters():
            value.copy_(torch.linspace(0.5, 2, value.numel()).view_as(value))
    card = Card("", "", "", "", "", 0.0, 0)
    made = TwinFile("first", first.blueprint, weights(first.tower, first.head), first.preprocessing, card)
    write_twin(tmp_path / "first.safetensors", made)
    second = build_twin(
        tiny(tmp_path, f"tower.start={tmp_path / 'first.safetensors'}", f"head.name={head}", loss)
    )
    assert type(second.head) is (WeightedL1 if kept else Cosine)
    if kept:
        for before, after in zip(first.head.parameters(), second.head.parameters(), strict=True):
            torch.testing.assert_close(after.detach(), before.detach(), atol=1e-3, rtol=1e-3)
            assert after.requires_grad


def test_towers_that_cannot_be_built(tmp_path: Path) -> None:
    recipe = tiny(tmp_path)
    with pytest.raises(RecipeError, match="no tower"):
        build_twin(replace(recipe, tower=replace(recipe.tower, name="other")))
    with pytest.raises(UnknownModel, match="other"):
        build_twin(tiny(tmp_path, "tower.start=other"))
    assert isinstance(build_twin(recipe).head, Cosine)
