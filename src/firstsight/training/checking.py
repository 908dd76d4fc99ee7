"""What no run could do is refused before it begins."""

from __future__ import annotations

import math
from typing import Any, Final

from firstsight.datasets.splits import LAYOUTS
from firstsight.errors import RecipeError
from firstsight.training.optimising import COMMON
from firstsight.training.recipe import Recipe
from firstsight.twins.heads import HEADS
from firstsight.twins.koch import INITIALISATIONS, LAYERS
from firstsight.twins.losses import LOSSES

CHOICES: Final[dict[str, tuple[Any, ...]]] = {
    "data.layout": LAYOUTS,
    "data.subject": ("face", "picture"),
    "tower.name": ("residual", "koch"),
    "head.name": HEADS,
    "loss.name": LOSSES,
    "loss.kind": ("cosine", "angle"),
    "tower.initialisation": INITIALISATIONS,
    "sampler.name": ("shuffled", "identities", "pairs"),
    "optimiser.name": ("sgd", "adamw"),
    "schedule.kind": ("cosine", "step"),
    "validation.by": ("one-shot", "pairs"),
    "precision": ("bf16", "fp32"),
    "data.channels": (1, 3),
    "tower.stride": (1, 2),
}
POSITIVE: Final = (
    "data.size",
    "data.oversample",
    "sampler.size",
    "sampler.identities",
    "sampler.each",
    "sampler.steps",
    "sampler.pairs",
    "optimiser.rate",
    "schedule.epochs",
    "validation.trials",
    "validation.every",
    "tower.dimension",
    "optimiser.momentum_epochs",
    "loss.scale",
)

LIMITS: Final = {
    "seed": (0, math.inf),
    "data.held_out": (0, 0.9),
    "tower.dropout": (0, 0.99),
    "loss.margin": (0, math.inf),
    "teacher.share": (0, 1),
    "teacher.centre": (0, 1),
    "loss.smoothing": (0, 0.99),
    "sampler.groups": (0, math.inf),
    "optimiser.momentum": (0, 1),
    "optimiser.momentum_start": (-math.inf, 1),
    "optimiser.decay": (0, math.inf),
    "optimiser.clip": (0, math.inf),
    "schedule.warmup": (0, math.inf),
    "schedule.factor": (0, 1),
    "schedule.average": (0, 0.999999),
    "schedule.patience": (0, math.inf),
    "schedule.minutes": (0, math.inf),
    "augment.chance": (0, 1),
    "augment.rotation": (0, 180),
    "augment.shear": (0, 1),
    "augment.scale": (0, 0.9),
    "augment.shift": (0, 1),
    "augment.bend": (0, 1),
    "augment.light": (0, 1),
    "augment.colour": (0, 1),
    "augment.grey": (0, 1),
    "augment.blur": (0, math.inf),
    "augment.shrink": (0, 1),
    "augment.erase": (0, 1),
}
"""The least and the most."""


def check(recipe: Recipe) -> None:
    """Refuse what no run could do.

    Raises:
        RecipeError: the first thing that is wrong.
    """

    def at(key: str) -> Any:
        found: Any = recipe
        for part in key.split("."):
            found = getattr(found, part)
        return found

    for key, choices in CHOICES.items():
        if at(key) not in choices:
            raise RecipeError(f"{key} is {at(key)!r}.", hint=f"Known: {', '.join(map(str, choices))}.")
    for key in POSITIVE:
        if at(key) <= 0:
            raise RecipeError(f"{key} is {at(key)}.", hint="It must be above 0.")
    for key, (least, most) in LIMITS.items():
        if not least <= at(key) <= most:
            raise RecipeError(f"{key} is {at(key)}.", hint=f"It must be {_range(least, most)}.")
    for name, layer in recipe.optimiser.layers.items():
        if layer.rate <= 0 or not 0 <= layer.momentum <= 1 or layer.decay < 0:
            raise RecipeError(
                f"optimiser.layers.{name} has impossible values.",
                hint="Its rate must be above 0, its momentum 0 to 1, its decay 0 or more.",
            )
    if 0 < recipe.schedule.patience < recipe.validation.every:
        raise RecipeError(
            f"schedule.patience is {recipe.schedule.patience} epochs, and validation comes every "
            f"{recipe.validation.every}: the run would end before the first.",
            hint="Raise schedule.patience, or lower validation.every.",
        )
    if recipe.validation.ways < 2:
        raise RecipeError("validation.ways is below 2.", hint="Ask for 2 or more.")
    size = recipe.sampler.size * (2 if recipe.sampler.name == "pairs" else 1)
    if recipe.sampler.name == "identities":
        size = recipe.sampler.identities * recipe.sampler.each
        if recipe.sampler.identities < 2 or recipe.sampler.each < 2:
            raise RecipeError("A batch of `identities` needs two with two pictures.", hint="Raise both.")
    if size < 2:
        raise RecipeError("A batch of one picture cannot be compared.", hint="Raise sampler.size.")
    if recipe.loss.name != "margin-softmax" and recipe.sampler.name == "shuffled":
        raise RecipeError(
            f"{recipe.loss.name} needs pairs, and a shuffled batch has hardly a mated one.",
            hint="Take sampler.name = 'identities' or 'pairs'.",
        )
    if recipe.loss.name == "contrastive" and recipe.head.name != "euclidean":
        raise RecipeError(
            "contrastive works on distances, which only the euclidean head gives.",
            hint="Set head.name = 'euclidean'.",
        )
    if recipe.loss.name == "triplet" and recipe.sampler.name == "pairs":
        raise RecipeError(
            "triplet needs several identities in a batch.", hint="Take sampler.name = 'identities'."
        )
    if recipe.loss.kind == "angle" and recipe.loss.name == "margin-softmax" and recipe.head.name != "cosine":
        raise RecipeError("A margin on the angle needs the cosine head.", hint="Take loss.kind = 'cosine'.")
    if (
        recipe.tower.name == "koch"
        and not recipe.tower.start
        and (recipe.data.size, recipe.data.channels) != (105, 1)
    ):
        raise RecipeError(
            "koch sees 105 x 105 grey pictures.", hint="Set data.size = 105, data.channels = 1."
        )
    if recipe.tower.name == "koch" and recipe.tower.dropout:
        raise RecipeError("koch has no dropout.", hint="Set tower.dropout = 0.")
    if recipe.sampler.name == "pairs" and (recipe.data.turned or recipe.data.mirrored):
        raise RecipeError(
            "The list of `pairs` shows pictures as they are, not turned into classes of their own.",
            hint="Take sampler.name = 'identities', or set data.turned = false and data.mirrored = false.",
        )
    if recipe.data.mirrored and recipe.augment.mirror:
        raise RecipeError(
            "By data.mirrored the mirror image of a picture is a class of its own, and augment.mirror shows "
            "a picture mirrored every other time: up to half of all would be taught as the wrong class.",
            hint="Set augment.mirror = false, or data.mirrored = false where both show the same.",
        )
    if recipe.teacher.model and (recipe.data.turned or recipe.data.mirrored):
        raise RecipeError(
            "A teacher knows pictures as they are, not turned into classes of their own.",
            hint="Set data.turned = false and data.mirrored = false.",
        )
    if recipe.teacher.model and recipe.head.name != "cosine":
        raise RecipeError("A teacher's templates are directions.", hint="Set head.name = 'cosine'.")
    if recipe.tower.narrow and not recipe.tower.start:
        raise RecipeError(
            "tower.narrow keeps channels of a twin to go on from.", hint="Set tower.start = 'sface'."
        )
    if len(recipe.tower.widths) != len(recipe.tower.depths):
        raise RecipeError(
            "tower.widths and tower.depths differ in length.", hint="Give one of each per stage."
        )
    if not recipe.tower.widths or min(recipe.tower.widths + recipe.tower.depths) < 1:
        raise RecipeError(
            "tower.widths and tower.depths must be 1 or more, for one stage or more.", hint="Mend them."
        )


def check_heeded(recipe: Recipe, key: str) -> None:
    """Refuse a change that would change nothing.

    Raises:
        RecipeError: a rate, momentum or decay of all layers, where each has its own.
    """
    table, _, kind = key.rpartition(".")
    if table == "optimiser" and kind in COMMON and _all_have_their_own(recipe):
        raise RecipeError(
            f"{key} would change nothing: optimiser.layers has a {kind} for every layer.",
            hint=f"Change those, as in --set 'optimiser.layers.\"tower.conv1\".{kind}=...'.",
        )


def _all_have_their_own(recipe: Recipe) -> bool:
    layers = recipe.optimiser.layers
    learns = recipe.loss.name != "margin-softmax" or "loss" in layers
    conv = recipe.tower.name == "koch" and all(f"tower.{layer}" in layers for layer in LAYERS)
    return learns and ("tower" in layers or conv) and ("head" in layers)


def _range(least: float, most: float) -> str:
    if most == math.inf:
        return f"{least} or more"
    return f"{most} or less" if least == -math.inf else f"{least} to {most}"
