from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from firstsight.twins import DlibTower, KochTower, ResidualTower, SFaceTower, build_tower
from firstsight.twins.towers import TOWERS

SMALL: dict[str, Any] = {
    "size": 20,
    "channels": 3,
    "dimension": 24,
    "widths": [4, 8],
    "depths": [1, 2],
    "stride": 2,
    "dropout": 0.25,
}


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


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "dimension"),
    [
        ("koch", {}, KochTower, 4096),
        ("residual", SMALL, ResidualTower, 24),
        ("sface", {}, SFaceTower, 128),
        ("dlib", {}, DlibTower, 128),
    ],
)
def test_towers_are_built_by_their_names(
    name: str, arguments: dict[str, Any], kind: type[nn.Module], dimension: int
) -> None:
    tower = build_tower(name, arguments)
    assert type(tower) is kind
    assert tower.dimension == dimension


def test_every_name_is_tested_above() -> None:
    assert set(TOWERS) == {"koch", "residual", "sface", "dlib"}


def test_arguments_reach_the_tower() -> None:
    tower = build_tower("residual", SMALL)
    with torch.inference_mode():
        assert tower.eval()(torch.zeros(2, 3, 20, 20)).shape == (2, 24)
    (dropout,) = [part for part in tower.modules() if isinstance(part, nn.Dropout)]
    assert dropout.p == 0.25
    widths = [part.out_channels for part in tower.modules() if isinstance(part, nn.Conv2d)]
    assert max(widths) == 8


def test_weights_are_fresh_and_follow_torch_s_seed() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.nn.utils.parameters_to_vector(build_tower("residual", SMALL).parameters())

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))


def test_an_unknown_tower_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ValueError, match="no tower called 'vgg'; known: koch, residual, sface, dlib"):
        build_tower("vgg", {})


@pytest.mark.parametrize(
    ("name", "arguments"), [("koch", {"dimension": 5}), ("residual", {}), ("residual", {**SMALL, "deep": 1})]
)
def test_arguments_that_a_tower_does_not_take_are_refused(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"the tower {name} does not take these arguments"):
        build_tower(name, arguments)


def test_stages_that_do_not_fit_are_refused_in_the_same_way() -> None:
    with pytest.raises(ValueError, match="zip"):
        build_tower("residual", {**SMALL, "depths": [1]})
