"""A narrower copy of a published twin, to go on from: most of what it knows in a part of its channels.

Li et al., "Pruning Filters for Efficient ConvNets" (ICLR 2017), for the idea; which channels stay, and how
the next layer makes up for the others by least squares, as He, Zhang, Sun, "Channel Pruning for
Accelerating Very Deep Neural Networks" (ICCV 2017, section 3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from firstsight.datasets.augment import Augment
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Prepared
from firstsight.errors import RecipeError
from firstsight.training.building import Twin
from firstsight.training.recipe import Recipe
from firstsight.training.validating import pixels_of
from firstsight.twins import SFaceTower

PICTURES: Final = 160
"""Training pictures that are looked at."""
PLACES: Final = 40_000
"""Places in their maps that least squares are taken over."""
RIDGE: Final = 1e-3
"""Of the mean square of what a channel says."""


def narrow(recipe: Recipe, twin: Twin, prepared: Prepared) -> Twin:
    """The twin with so many channels of each stage as the recipe keeps.

    Args:
        recipe: says how many.
        twin: with the tower of ``sface``.
        prepared: the training pictures.

    Raises:
        RecipeError: another tower, or more channels than it has.
    """
    widths, wide = recipe.tower.narrow, twin.tower
    if not isinstance(wide, SFaceTower):
        raise RecipeError("Only the tower of sface can be narrowed.", hint="Leave tower.narrow out.")
    has = [_parts(unit)[0].out_channels for unit in [wide.units[0], *list(wide.units)[2::2]]]
    if len(widths) != len(has) or any(not 0 < kept <= all_ for kept, all_ in zip(widths, has, strict=True)):
        raise RecipeError(
            f"tower.narrow keeps {list(widths)} channels of {has}.", hint="Keep 1 or more of each stage."
        )
    draw = np.random.default_rng(recipe.seed)
    rows = np.sort(draw.permutation(len(prepared.items))[:PICTURES])
    cutter = Cutter(prepared, twin.preprocessing, Augment(), recipe.seed)
    pixels = pixels_of(cutter.plain(rows), twin, torch.device("cpu"))
    tower = narrowed(wide, widths, pixels, recipe.seed)
    blueprint = replace(twin.blueprint, tower_arguments={"widths": list(widths)})
    return replace(twin, tower=tower, blueprint=blueprint)


@torch.no_grad()
def narrowed(wide: SFaceTower, widths: Sequence[int], pixels: Tensor, seed: int) -> SFaceTower:
    """A tower of those widths that does on those pictures what the wide one does, as nearly as it can.

    Args:
        wide: the tower to copy.
        widths: channels of each stage of the copy.
        pixels: (N, 3, 112, 112) float32.
        seed: of the places that are looked at.
    """
    slim = SFaceTower(widths=widths)
    spots = torch.Generator().manual_seed(seed)
    # The first convolution: its loudest channels, as they are.
    theirs: Tensor = wide.units[0](pixels)
    kept = _loudest(wide.units[1](theirs), _parts(wide.units[2])[0].weight, widths[0])
    _copy(slim.units[0], wide.units[0], kept)
    ours: Tensor = slim.units[0](pixels)
    listening = wide.project.weight.reshape(wide.dimension, -1, 7, 7)
    for stage in range(1, len(widths)):
        deep, point = 2 * stage - 1, 2 * stage
        _copy(slim.units[deep], wide.units[deep], kept)
        theirs, ours = wide.units[deep](theirs), slim.units[deep](ours)
        wanted = _parts(wide.units[point])[0](theirs)
        theirs = _parts(wide.units[point])[1](wanted)
        if stage == len(widths) - 1:
            kept = _loudest(theirs, listening, widths[stage])
        else:
            heard = wide.units[point + 1](theirs)
            kept = _loudest(heard, _parts(wide.units[point + 2])[0].weight, widths[stage])
        conv, slope = _parts(slim.units[point])
        weight, bias = _fitted(ours, wanted[:, kept], spots)
        conv.load_state_dict({"weight": weight[:, :, None, None], "bias": bias})
        slope.weight.copy_(_parts(wide.units[point])[1].weight[kept])
        ours = slim.units[point](ours)
    slim.project.weight.copy_(listening[:, kept].flatten(1))
    slim.project.bias.copy_(wide.project.bias)
    return slim


def _parts(unit: nn.Module) -> tuple[nn.Conv2d, nn.PReLU]:
    """The convolution of a unit, and what follows it."""
    conv, slope = unit.children()
    return cast(nn.Conv2d, conv), cast(nn.PReLU, slope)


def _loudest(heard: Tensor, after: Tensor, count: int) -> Tensor:
    """The channels that say most to the next layer: how loud they are, times how far they are listened to.

    Args:
        heard: (N, C, H, W), what comes to the next layer.
        after: (K, C, ...), its weights.
        count: how many to keep.
    """
    loud = heard.square().mean(dim=(0, 2, 3)) * after.square().sum(dim=(0, *range(2, after.ndim)))
    return loud.topk(count).indices.sort().values


def _copy(ours: nn.Module, theirs: nn.Module, kept: Tensor) -> None:
    """A unit's own channels."""
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        mine.copy_(other[kept])


def _fitted(maps: Tensor, wanted: Tensor, spots: torch.Generator) -> tuple[Tensor, Tensor]:
    """The 1 x 1 convolution that comes nearest: (N, C, H, W), (N, K, H, W) -> (K, C), (K,)."""
    inputs, outputs = (one.permute(0, 2, 3, 1).flatten(0, 2) for one in (maps, wanted))
    places = torch.randperm(len(inputs), generator=spots)[:PLACES]
    x, y = inputs[places].double(), outputs[places].double()
    middle, aim = x.mean(0), y.mean(0)
    x, y = x - middle, y - aim
    square = x.T @ x
    square.diagonal().add_(RIDGE * square.diagonal().mean())
    weight = torch.linalg.solve(square, x.T @ y).T
    return weight.float(), (aim - weight @ middle).float()
