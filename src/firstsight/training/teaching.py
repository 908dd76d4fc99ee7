"""What a twin imitates: the templates that a published one makes of the pictures it is trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets.augment import Augment
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Prepared
from firstsight.datasets.splits import labels
from firstsight.errors import RecipeError
from firstsight.evaluation.embedding import in_pieces
from firstsight.models import Model, open_model
from firstsight.networks import ENGINES, OPENCV
from firstsight.training.recipe import Recipe


def open_teacher(recipe: Recipe) -> Model | None:
    """The teacher of a recipe; None without one.

    Raises:
        ModelError: it cannot be opened.
    """
    return open_model(recipe.teacher.model) if recipe.teacher.model else None


def targets(
    recipe: Recipe,
    teacher: Model | None,
    prepared: Prepared,
    dimension: int,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32] | None:
    """What each prepared picture's embedding is to be like, (N, D) of unit length; None without a teacher.

    The teacher sees each picture once, as it is. Its templates are kept in the cache in pieces, so that an
    interrupted run goes on where it stopped.

    Args:
        recipe: says how the teacher is heard.
        teacher: of ``open_teacher``.
        prepared: the training pictures.
        dimension: of the twin that learns.
        cache: folder of prepared data.
        progress: called after every piece.

    Raises:
        RecipeError: the twin and its teacher do not go together.
    """
    choice = recipe.teacher
    if teacher is None:
        return None
    if teacher.dimension != dimension:
        raise RecipeError(
            f"{choice.model} makes templates of {teacher.dimension} numbers, the twin of {dimension}.",
            hint=f"Set tower.dimension = {teacher.dimension}.",
        )
    if bool(teacher.preprocessing.points) != bool(prepared.view.points):
        raise RecipeError(
            f"{choice.model} and the twin do not see the same of a picture.",
            hint="Set data.subject to what the teacher was trained on.",
        )
    templates = _unit(_templates(teacher, prepared, cache, progress))
    identity, _ = labels(prepared.items)
    centres = np.zeros((int(identity.max()) + 1, dimension), np.float32)
    np.add.at(centres, identity, templates)
    return _unit((1 - choice.centre) * templates + choice.centre * _unit(centres)[identity])


def _templates(
    teacher: Model, prepared: Prepared, cache: Path, progress: Callable[[int, int], None] | None
) -> NDArray[np.float32]:
    engine = teacher.network.engine
    # Engines agree closely, and not to the last digit. A model has one of its own, which its digest tells;
    # only another, which was asked for, is named: what was kept before there was a choice stays.
    asked = f"-{engine}" if engine in {*ENGINES} - {OPENCV} else ""
    folder = cache / f"{prepared.key}-{teacher.digest[:12]}-{teacher.preprocessing.version}{asked}"
    cutter = Cutter(prepared, teacher.preprocessing, Augment(), 0)
    rows = np.arange(len(prepared.items))
    pieces = in_pieces(folder, len(rows), lambda some: teacher.embed(cutter.plain(rows[some])), progress)
    return np.concatenate(list(pieces))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), np.float32)
