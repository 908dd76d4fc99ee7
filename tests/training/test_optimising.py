from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from firstsight.errors import RecipeError
from firstsight.training.optimising import Average, build_optimiser, set_rates
from firstsight.training.recipe import LayerRate, Optimiser, Schedule


class Layers(nn.Module):
    """One of each kind, two of them with like names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3)
        self.conv10 = nn.Conv2d(2, 2, 3)
        self.dense = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)


def twin() -> Layers:
    torch.manual_seed(0)
    return Layers()


def named(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(f"tower.{name}", value) for name, value in module.named_parameters()]


def group_of(optimiser: torch.optim.Optimizer, parameter: Tensor | None) -> dict[str, float]:
    (found,) = [group for group in optimiser.param_groups if any(one is parameter for one in group["params"])]
    return found


LAYERS = {"tower.conv1": LayerRate(1e-3, 0.8, 0.02), "tower.dense": LayerRate(5e-2, 0.3, 0.0)}


def test_each_layer_learns_as_the_recipe_says() -> None:
    module = twin()
    choice = Optimiser(rate=0.1, momentum=0.9, decay=1e-4, layers=LAYERS)
    optimiser = build_optimiser(named(module), choice)

    def values(parameter: Tensor | None) -> tuple[float, float, float]:
        group = group_of(optimiser, parameter)
        return group["lr"], group["momentum"], group["weight_decay"]

    assert values(module.conv1.weight) == values(module.conv1.bias) == (1e-3, 0.8, 0.02)
    assert values(module.dense.weight) == (5e-2, 0.3, 0.0)
    # conv10 is not conv1; L2 is on weights, not on biases and gains.
    assert values(module.conv10.weight) == (0.1, 0.9, 1e-4)
    for parameter in (module.conv10.bias, module.norm.weight, module.norm.bias):
        assert values(parameter) == (0.1, 0.9, 0.0)
    assert sum(len(group["params"]) for group in optimiser.param_groups) == len(named(module))


def test_a_layer_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(RecipeError, match=r"tower\.conv2") as caught:
        build_optimiser(named(twin()), Optimiser(layers={"tower.conv2": LayerRate(0.1, 0.5, 0.0)}))
    assert "tower.conv1.weight" in caught.value.hint


@pytest.mark.parametrize("key", ["rate", "momentum", "decay"])
def test_values_that_no_parameter_takes_are_refused(key: str) -> None:
    whole = {"tower": LayerRate(0.02, 0.8, 1e-4)}
    other: dict[str, Any] = {key: 0.3}
    again: dict[str, Any] = {key: getattr(whole["tower"], key)}
    with pytest.raises(RecipeError, match=rf"optimiser\.{key} is 0\.3") as caught:
        build_optimiser(named(twin()), Optimiser(layers=whole, **other))
    assert "layers" in caught.value.hint
    # A recipe may say again what its layers have; and where one parameter is left, it takes them.
    build_optimiser(named(twin()), Optimiser(layers=whole, **again))
    build_optimiser(named(twin()), Optimiser(layers=LAYERS, **other))


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_l2_shrinks_weights(name: str) -> None:
    """The paper prints the wrong signs; without any gradient of the loss, weights must fall to 0."""
    module = twin()
    optimiser = build_optimiser(named(module), Optimiser(name=name, rate=0.1, momentum=0.0, decay=0.5))
    before = {key: value.detach().clone() for key, value in named(module)}
    for _, value in named(module):
        value.grad = torch.zeros_like(value)
    optimiser.step()
    for key, value in named(module):
        share = 1 - 0.1 * 0.5 if value.ndim > 1 else 1.0
        torch.testing.assert_close(value.detach(), share * before[key])


def test_sgd_is_momentum_and_l2_in_the_gradient() -> None:
    weight = nn.Parameter(torch.tensor([[2.0]]))
    choice = Optimiser(layers={"w": LayerRate(0.1, 0.5, 0.25)})
    optimiser = build_optimiser([("w", weight)], choice)
    speed, place = 0.0, 2.0
    for gradient in (1.0, -2.0, 0.5):
        weight.grad = torch.tensor([[gradient]])
        optimiser.step()
        speed = 0.5 * speed + gradient + 0.25 * place
        place -= 0.1 * speed
        assert float(weight.detach()) == pytest.approx(place)


def test_step_falls_to_99_percent_with_each_epoch() -> None:
    module = twin()
    choice, schedule = Optimiser(layers=LAYERS), Schedule(kind="step", factor=0.99, epochs=200)
    optimiser = build_optimiser(named(module), choice)
    for epoch in (0, 1, 2, 50, 199):
        for part in (0.0, 0.5, 0.99):
            share = set_rates(optimiser, choice, schedule, epoch, part)
            assert share == pytest.approx(0.99**epoch)
            assert group_of(optimiser, module.conv1.weight)["lr"] == pytest.approx(1e-3 * 0.99**epoch)
            assert group_of(optimiser, module.conv10.weight)["lr"] == pytest.approx(0.1 * 0.99**epoch)


def test_momentum_rises_linearly_to_its_layers_value() -> None:
    """Koch et al. (2015): from 0.5; downwards, where the layer's own is lower."""
    module = twin()
    choice = Optimiser(momentum=0.9, momentum_start=0.5, momentum_epochs=10, layers=LAYERS)
    optimiser = build_optimiser(named(module), choice)
    for layer, last in ((module.conv1, 0.8), (module.conv10, 0.9), (module.dense, 0.3)):
        found = []
        for epoch in range(15):
            set_rates(optimiser, choice, Schedule(kind="step"), epoch, 0.0)
            found.append(group_of(optimiser, layer.weight)["momentum"])
        assert found[0] == 0.5
        assert found[5] == pytest.approx((0.5 + last) / 2)
        assert found[10:] == pytest.approx([last] * 5)
        steps = [after - before for before, after in pairwise(found[:11])]
        assert steps == pytest.approx([(last - 0.5) / 10] * 10)


def test_momentum_is_constant_where_no_start_is_said() -> None:
    choice = Optimiser(momentum=0.9)
    optimiser = build_optimiser(named(twin()), choice)
    set_rates(optimiser, choice, Schedule(), 0, 0.0)
    assert {group["momentum"] for group in optimiser.param_groups} == {0.9}


def test_cosine_rises_to_the_full_rate_and_falls_to_nothing() -> None:
    choice, schedule = Optimiser(), Schedule(kind="cosine", warmup=2, epochs=12)
    optimiser = build_optimiser(named(twin()), choice)

    def share(moment: float) -> float:
        return set_rates(optimiser, choice, schedule, int(moment), moment % 1)

    assert 0 < share(0) < 0.01
    assert share(1) == pytest.approx(0.5)
    assert share(2) == pytest.approx(1)
    assert share(7) == pytest.approx(0.5)
    assert share(9.5) == pytest.approx((1 + math.cos(0.75 * math.pi)) / 2)
    assert share(11.999) < 1e-6


@pytest.mark.parametrize(("warmup", "epochs"), [(1, 1), (2, 2), (30, 3)])
def test_a_run_no_longer_than_its_warm_up_comes_down_again(warmup: float, epochs: int) -> None:
    choice, schedule = Optimiser(), Schedule(kind="cosine", warmup=warmup, epochs=epochs)
    optimiser = build_optimiser(named(twin()), choice)
    first, middle, last = (
        set_rates(optimiser, choice, schedule, int(moment), moment % 1)
        for moment in (epochs / 4, epochs / 2, epochs - 0.001)
    )
    assert first == pytest.approx(0.5)
    assert middle == pytest.approx(1)
    assert last < 1e-4


@given(
    kind=st.sampled_from(["cosine", "step"]),
    warmup=st.floats(0, 30),
    epochs=st.integers(1, 20),
    moment=st.floats(0, 1, exclude_max=True),
)
def test_the_rate_is_never_negative_nor_above_the_full_one(
    kind: str, warmup: float, epochs: int, moment: float
) -> None:
    choice, at = Optimiser(), moment * epochs
    optimiser = build_optimiser(named(twin()), choice)
    share = set_rates(optimiser, choice, Schedule(kind=kind, warmup=warmup, epochs=epochs), int(at), at % 1)
    assert 0 <= share <= 1 + 1e-9


def test_the_average_follows_the_weights() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    average = Average([layer], 0.9)
    kept = 0.0
    for step in range(1, 200):
        nn.init.constant_(layer.weight, float(step))
        average.update(step)
        decay = min(0.9, (1 + step) / (10 + step))
        kept = decay * kept + (1 - decay) * step
    assert float(average.values[0]) == pytest.approx(kept, rel=1e-5)
    assert kept == pytest.approx(199 - 9, rel=1e-3)  # a constant lag of decay / (1 - decay)


def test_two_swaps_give_everything_back() -> None:
    module = twin()
    average = Average([module], 0.5)
    kept = [value.clone() for value in average.values]
    for _, value in named(module):
        nn.init.constant_(value, 3.0)
    assert module.norm.num_batches_tracked is not None
    module.norm.num_batches_tracked += 5
    moved = {name: value.clone() for name, value in module.state_dict().items()}
    average.swap()
    for value, wanted in zip(module.state_dict().values(), kept, strict=True):
        assert torch.equal(value, wanted)
    average.swap()
    assert all(torch.equal(value, moved[name]) for name, value in module.state_dict().items())
    assert all(torch.equal(value, wanted) for value, wanted in zip(average.values, kept, strict=True))


def test_what_batch_norms_have_seen_is_averaged_too() -> None:
    norm = nn.BatchNorm1d(2)
    average = Average([norm], 0.5)
    norm.running_mean = torch.tensor((2.0, 4.0))
    norm.num_batches_tracked = torch.tensor(7)
    average.update(100)
    average.swap()
    assert norm.running_mean.tolist() == [1.0, 2.0]
    assert int(norm.num_batches_tracked) == 7
