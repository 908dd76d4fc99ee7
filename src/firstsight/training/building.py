"""From a recipe to the parts of a run: what is seen, the twin, and its loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import nn

from firstsight.datasets.prepared import View
from firstsight.errors import RecipeError
from firstsight.models import Model, Preprocessing, find_model
from firstsight.models.blueprint import Blueprint
from firstsight.models.file import ENDING, read_twin
from firstsight.models.sface import PREPROCESSING as SFACE
from firstsight.models.shipped import Shipped
from firstsight.training.recipe import Recipe
from firstsight.twins import Contrastive, CrossEntropy, HardTriplet, Head, Loss, MarginSoftmax

FACE_SIDE: Final = 160
"""Side of a prepared face: more than any twin sees, so that distortions find pixels around it."""
FACE_MARGIN: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Twin:
    """What is trained."""

    blueprint: Blueprint
    tower: nn.Module
    head: Head
    preprocessing: Preprocessing
    start: Model | None = None
    """The one that it goes on from, which it owes what it knows."""


def build_twin(recipe: Recipe) -> Twin:
    """The twin of a recipe, with fresh weights drawn by its seed, or those that it starts from.

    Raises:
        RecipeError: the tower does not take what the recipe says.
        ModelError: the model to start from.
    """
    torch.manual_seed(recipe.seed)
    head = {"bias": recipe.head.bias} if recipe.head.name == "weighted-l1" else {}
    if recipe.tower.start:
        return _started(recipe, head)
    data, tower = recipe.data, recipe.tower
    arguments: dict[str, object] = {}
    dimension = 4096
    if tower.name == "residual":
        dimension = tower.dimension
        arguments = {
            "size": data.size,
            "channels": data.channels,
            "dimension": dimension,
            "widths": list(tower.widths),
            "depths": list(tower.depths),
            "stride": tower.stride,
            "dropout": tower.dropout,
        }
    elif tower.initialisation != "paper":
        arguments = {"initialisation": tower.initialisation}
    blueprint = Blueprint(tower.name, arguments, recipe.head.name, head, dimension)
    return Twin(blueprint, *_built(blueprint), seen(recipe))


def seen(recipe: Recipe) -> Preprocessing:
    """What a twin of the recipe's own sees of a picture."""
    data = recipe.data
    face = data.subject == "face"
    scale = data.size / SFACE.size
    # Paper white is 0 and ink 1, or mid grey is 0 and the range -1 to 1.
    mean, factor = (255.0, -1 / 255) if data.ink else (127.5, 1 / 127.5)
    return Preprocessing(
        size=data.size,
        points=tuple((x * scale, y * scale) for x, y in SFACE.points) if face else (),
        mean=(mean,) * data.channels,
        scale=factor,
        oversample=data.oversample,
    )


def _started(recipe: Recipe, head: dict[str, bool]) -> Twin:
    """A twin that goes on from a model: its tower and what it sees, its head where the recipe asks for it."""
    start = recipe.tower.start
    if start.endswith(ENDING):
        found = read_twin(Path(start))
        model, old = found.model(), found.blueprint
    else:
        known = find_model(start)
        model = known.open()
        old = (
            known.file.blueprint
            if isinstance(known, Shipped)
            else Blueprint(start, {}, "cosine", {}, known.dimension)
        )
    blueprint = Blueprint(old.tower, old.tower_arguments, recipe.head.name, head, old.dimension)
    tower, new = _built(blueprint)
    tower.load_state_dict(model.tower.state_dict())
    if model.head is not None and (old.head, old.head_arguments) == (blueprint.head, head):
        new.load_state_dict(model.head.state_dict())
    return Twin(blueprint, tower, new, model.preprocessing, model)


def _built(blueprint: Blueprint) -> tuple[nn.Module, Head]:
    try:
        return blueprint.build()
    except ValueError as error:
        raise RecipeError(f"The twin cannot be built: {error}.", hint="Mend the recipe.") from error


def build_loss(recipe: Recipe, classes: int, dimension: int) -> Loss:
    """The loss of a recipe, for so many classes; its centres are drawn by the recipe's seed."""
    torch.manual_seed(recipe.seed + 1)
    choice = recipe.loss
    if choice.name == "cross-entropy":
        return CrossEntropy(line=recipe.head.name != "weighted-l1")
    if choice.name == "contrastive":
        return Contrastive(choice.margin)
    if choice.name == "triplet":
        return HardTriplet(choice.margin)
    return MarginSoftmax(
        classes,
        dimension,
        scale=choice.scale,
        margin=choice.margin,
        kind=choice.kind,
        smoothing=choice.smoothing,
        spread=0.01 if recipe.head.name == "cosine" else 1.0,
    )


def view_of(preprocessing: Preprocessing) -> View:
    """How pictures are prepared for a twin that sees them so."""
    if not preprocessing.points:
        return View(preprocessing.size * preprocessing.oversample, preprocessing.channels)
    scale = (FACE_SIDE - 2 * FACE_MARGIN) / SFACE.size
    places = np.array(SFACE.points) * scale + FACE_MARGIN
    return View(FACE_SIDE, preprocessing.channels, tuple((float(x), float(y)) for x, y in places))
