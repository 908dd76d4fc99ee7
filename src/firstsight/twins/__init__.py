"""Pure torch: towers that embed, heads that compare, losses that teach. Shapes in, shapes out.

The names are loaded when first used: torch takes seconds, and who only asks for a layout has no need of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from firstsight.twins.dlib_resnet import DlibTower
    from firstsight.twins.heads import Cosine, Euclidean, Head, WeightedL1, build_head, cosine, unit
    from firstsight.twins.koch import KochTower
    from firstsight.twins.losses import Contrastive, CrossEntropy, HardTriplet, Loss, MarginSoftmax, imitation
    from firstsight.twins.residual import ResidualTower
    from firstsight.twins.sface import SFaceTower
    from firstsight.twins.towers import build_tower

__all__ = [
    "Contrastive",
    "Cosine",
    "CrossEntropy",
    "DlibTower",
    "Euclidean",
    "HardTriplet",
    "Head",
    "KochTower",
    "Loss",
    "MarginSoftmax",
    "ResidualTower",
    "SFaceTower",
    "WeightedL1",
    "build_head",
    "build_tower",
    "cosine",
    "imitation",
    "unit",
]

_HOMES: Final = {
    "dlib_resnet": ("DlibTower",),
    "heads": (
        "build_head",
        "Cosine",
        "cosine",
        "Euclidean",
        "Head",
        "unit",
        "WeightedL1",
    ),
    "koch": ("KochTower",),
    "losses": (
        "Contrastive",
        "CrossEntropy",
        "HardTriplet",
        "imitation",
        "Loss",
        "MarginSoftmax",
    ),
    "residual": ("ResidualTower",),
    "sface": ("SFaceTower",),
    "towers": ("build_tower",),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"firstsight.twins.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
