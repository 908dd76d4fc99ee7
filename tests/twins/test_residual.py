from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from firstsight.training.building import build_twin
from firstsight.training.reading import read_recipe, shipped
from firstsight.twins import ResidualTower
from firstsight.twins.residual import Block

RECIPES = {name: read_recipe(name) for name in shipped()}
RESIDUAL = sorted(
    name for name, recipe in RECIPES.items() if recipe.tower.name == "residual" and not recipe.tower.start
)


def test_a_shipped_recipe_trains_a_residual_twin() -> None:
    # Else the next test would have nothing to do.
    assert RESIDUAL


@pytest.mark.parametrize("name", RESIDUAL)
def test_the_towers_of_the_recipes_have_1_to_4_million_parameters(name: str) -> None:
    data, twin = RECIPES[name].data, build_twin(RECIPES[name])
    assert isinstance(twin.tower, ResidualTower)
    assert 1e6 <= sum(value.numel() for value in twin.tower.parameters()) <= 4e6
    pictures = torch.zeros(1, data.channels, data.size, data.size)
    with torch.inference_mode():
        assert twin.tower.eval()(pictures).shape == (1, twin.blueprint.dimension)


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(5, 40),
    stride=st.sampled_from((1, 2)),
    channels=st.sampled_from((1, 3)),
    stages=st.lists(st.tuples(st.sampled_from((4, 8)), st.integers(1, 2)), min_size=1, max_size=4),
)
def test_any_size_of_picture_comes_out_as_an_embedding(
    size: int, stride: int, channels: int, stages: list[tuple[int, int]]
) -> None:
    widths, depths = zip(*stages, strict=True)
    tower = ResidualTower(
        size=size, channels=channels, dimension=6, widths=widths, depths=depths, stride=stride
    )
    with torch.inference_mode():
        embedded = tower.eval()(torch.zeros(2, channels, size, size))
    assert embedded.shape == (2, 6)
    # Every stage halves the map, and so does a stem of stride 2 in place of the first stage.
    side = math.ceil(size / 2 ** len(stages))
    assert tower.project.in_features == widths[-1] * side * side


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(6, 6, 1), (6, 8, 1), (6, 8, 2), (6, 6, 2)])
@pytest.mark.parametrize("training", [False, True])
def test_a_block_begins_as_its_short_cut(inputs: int, outputs: int, stride: int, training: bool) -> None:
    torch.manual_seed(0)
    block = Block(inputs, outputs, stride).train(training)
    maps = torch.randn(3, inputs, 9, 9)
    with torch.no_grad():
        made = block(maps)
        torch.testing.assert_close(made, block.short(maps))
    assert made.shape == (3, outputs, 9 if stride == 1 else 5, 9 if stride == 1 else 5)
    assert made.any()


def test_a_block_that_changes_nothing_of_the_shape_begins_as_the_identity() -> None:
    torch.manual_seed(0)
    maps = torch.randn(2, 4, 7, 7)
    with torch.no_grad():
        torch.testing.assert_close(Block(4, 4, 1)(maps), maps)


def test_a_block_learns_all_the_same() -> None:
    torch.manual_seed(0)
    block = Block(4, 4, 1)
    maps, weights = torch.randn(2, 4, 7, 7), torch.randn(2, 4, 7, 7)
    optimiser = torch.optim.SGD(block.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        (block(maps) * weights).sum().backward()
        optimiser.step()
    # The gain of the last norm moves in the first step, everything before it from the second on.
    for name, value in block.named_parameters():
        assert value.grad is not None, name
        assert value.grad.any(), name


def small(dropout: float = 0.0) -> ResidualTower:
    torch.manual_seed(0)
    return ResidualTower(size=12, channels=1, dimension=16, widths=(4, 8), depths=(1, 1), dropout=dropout)


def pictures(count: int = 6) -> Tensor:
    return torch.rand(count, 1, 12, 12, generator=torch.Generator().manual_seed(1))


def test_values_are_dropped_in_training_only() -> None:
    tower, batch = small(0.5), pictures()
    with torch.no_grad():
        tower.train()
        assert not torch.equal(tower(batch), tower(batch))
        tower.eval()
        torch.testing.assert_close(tower(batch), tower(batch), atol=0, rtol=0)
        torch.testing.assert_close(tower(batch), _without_dropout(tower)(batch), atol=0, rtol=0)


def _without_dropout(tower: ResidualTower) -> ResidualTower:
    other = small()
    other.load_state_dict(tower.state_dict())
    return other.eval()


def test_nothing_is_dropped_without_dropout() -> None:
    tower, batch = small(), pictures()
    with torch.no_grad():
        torch.testing.assert_close(tower(batch), tower(batch), atol=0, rtol=0)


def test_a_picture_s_embedding_does_not_depend_on_its_batch() -> None:
    tower, batch = small().eval(), pictures()
    with torch.no_grad():
        alone = torch.cat([tower(batch[place : place + 1]) for place in range(len(batch))])
        torch.testing.assert_close(tower(batch), alone, atol=1e-5, rtol=0)


def test_a_batch_s_embeddings_are_centred_and_of_unit_variance_in_training() -> None:
    with torch.no_grad():
        embedded = small().train()(pictures(64))
    torch.testing.assert_close(embedded.mean(0), torch.zeros(16), atol=1e-4, rtol=0)
    torch.testing.assert_close(embedded.var(0, correction=0), torch.ones(16), atol=1e-2, rtol=0)


def test_embeddings_are_float32_under_mixed_precision() -> None:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert small().train()(pictures()).dtype == torch.float32


def test_stages_need_as_many_depths_as_widths() -> None:
    with pytest.raises(ValueError, match="zip"):
        ResidualTower(size=12, channels=1, widths=(4, 8), depths=(1,))


def test_a_gradient_reaches_every_parameter_of_a_tower_that_has_begun_to_learn() -> None:
    tower = small()
    for module in tower.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 0.5)
    weights = torch.randn(6, 16, generator=torch.Generator().manual_seed(2))
    (tower(pictures()) * weights).sum().backward()
    for name, value in tower.named_parameters():
        assert value.grad is not None, name
        assert value.grad.any(), name
