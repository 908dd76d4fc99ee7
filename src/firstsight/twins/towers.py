"""Towers by the names that recipes and model files give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import nn

from firstsight.twins.dlib_resnet import DlibTower
from firstsight.twins.koch import KochTower
from firstsight.twins.residual import ResidualTower
from firstsight.twins.sface import SFaceTower

TOWERS: Final = {"koch": KochTower, "residual": ResidualTower, "sface": SFaceTower, "dlib": DlibTower}


def build_tower(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A tower with fresh weights.

    Raises:
        ValueError: no such tower, or arguments that it does not take.
    """
    if name not in TOWERS:
        raise ValueError(f"no tower called {name!r}; known: {', '.join(TOWERS)}")
    try:
        tower: nn.Module = TOWERS[name](**arguments)
    except TypeError as error:
        raise ValueError(f"the tower {name} does not take these arguments ({error})") from error
    return tower
