from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from firstsight.twins import KochTower, WeightedL1
from firstsight.twins.koch import LAYERS

TIMES = 5
"""Standard errors that a drawn mean or deviation may lie off."""


@pytest.fixture(scope="module")
def tower() -> KochTower:
    torch.manual_seed(0)
    return KochTower()


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    """Strokes on paper: 0 and 1."""
    draw = torch.Generator().manual_seed(1)
    return (torch.rand(3, 1, 105, 105, generator=draw) < 0.1).float()


def numbers(*modules: nn.Module) -> int:
    return sum(value.numel() for module in modules for value in module.parameters())


def test_the_parameters_are_as_many_as_in_the_paper(tower: KochTower) -> None:
    assert numbers(tower, WeightedL1(tower.dimension)) == 38_951_744
    assert numbers(tower, WeightedL1(tower.dimension, bias=True)) == 38_951_745


@pytest.mark.parametrize("name", LAYERS)
def test_weights_begin_as_in_the_paper(tower: KochTower, name: str) -> None:
    layer = getattr(tower, name)
    for values, mean, deviation in (
        (layer.weight, 0.0, 0.2 if name == "dense" else 0.01),
        (layer.bias, 0.5, 0.01),
    ):
        drawn = values.detach().double()
        count = drawn.numel()
        assert abs(float(drawn.mean()) - mean) < TIMES * deviation / count**0.5
        assert abs(float(drawn.std()) - deviation) < TIMES * deviation / (2 * count) ** 0.5


def test_every_layer_has_the_paper_s_shape(tower: KochTower, pictures: Tensor) -> None:
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> None:
        def hook(module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
            shapes[name] = tuple(made.shape[1:])

        handles.append(getattr(tower, name).register_forward_hook(hook))

    handles: list[torch.utils.hooks.RemovableHandle] = []
    for name in LAYERS:
        note(name)
    with torch.inference_mode():
        embedded = tower(pictures[:1])
    for handle in handles:
        handle.remove()
    assert shapes == {
        "conv1": (64, 96, 96),
        "conv2": (128, 42, 42),
        "conv3": (128, 18, 18),
        "conv4": (256, 6, 6),
        "dense": (4096,),
    }
    assert embedded.shape == (1, 4096)


def test_the_layers_follow_each_other_as_in_the_paper(tower: KochTower, pictures: Tensor) -> None:
    values = dict(tower.named_parameters())
    with torch.inference_mode():
        maps = pictures[:2]
        for name in LAYERS[:-1]:
            convolved = functional.conv2d(maps, values[f"{name}.weight"], values[f"{name}.bias"])
            maps = convolved.clamp_min(0)
            if name != "conv4":
                maps = functional.max_pool2d(maps, kernel_size=2, stride=2)
        logits = maps.reshape(2, -1) @ values["dense.weight"].T + values["dense.bias"]
        expected = 1 / (1 + torch.exp(-logits))
        torch.testing.assert_close(tower(pictures[:2]), expected, atol=1e-5, rtol=0)


def test_components_lie_between_0_and_1_and_are_not_all_alike(tower: KochTower, pictures: Tensor) -> None:
    with torch.inference_mode():
        embedded = tower(pictures)
    assert float(embedded.min()) >= 0
    assert float(embedded.max()) <= 1
    assert float(embedded.std()) > 0.1


def test_the_two_twins_are_one_tower(tower: KochTower, pictures: Tensor) -> None:
    torch.manual_seed(2)
    head = WeightedL1(tower.dimension)
    with torch.inference_mode():
        left, right = tower(pictures[:2]), tower(pictures[1:])
        forth, back = head.score(left, right), head.score(right, left)
    # Which of two pictures is on the left does not matter, and a picture met by itself is at distance 0.
    torch.testing.assert_close(forth, back.T)
    torch.testing.assert_close(forth[1, 0], torch.tensor(0.0), atol=1e-3, rtol=0)
    assert float(forth[0, 0].abs()) > 1e-2


def test_one_backward_pass_reaches_every_layer(pictures: Tensor) -> None:
    torch.manual_seed(3)
    tower = KochTower()
    head = WeightedL1(tower.dimension)
    embedded = tower(pictures[:2])
    head.score(embedded[:1], embedded[1:]).sum().backward()  # type: ignore[no-untyped-call]
    for name, value in tower.named_parameters():
        assert value.grad is not None, name
        assert torch.isfinite(value.grad).all(), name
        assert value.grad.any(), name
