"""What a twin imitates: the templates that a published one makes of the pictures it is trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from firstsight.datasets.augment import Augment
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Prepared
from firstsight.datasets.splits import labels
from firstsight.errors import RecipeError
from firstsight.models import Model, open_model
from firstsight.training.recipe import Recipe

PIECE: Final = 1024
"""Pictures in one file of the cache."""


def targets(
    recipe: Recipe,
    prepared: Prepared,
    dimension: int,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
) -> NDArray[np.float32] | None:
    """What each prepared picture's embedding is to be like, (N, D) of unit length; None without a teacher.

    The teacher sees each picture once, as it is. Its templates are kept in the cache in pieces, so that an
    interrupted run goes on where it stopped.

    Args:
        recipe: names the teacher.
        prepared: the training pictures.
        dimension: of the twin that learns.
        cache: folder of prepared data.
        progress: called after every piece.

    Raises:
        RecipeError: the twin and its teacher do not go together.
        ModelError: the teacher cannot be opened.
    """
    choice = recipe.teacher
    if not choice.model:
        return None
    teacher = open_model(choice.model)
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
    folder = cache / f"{prepared.digest[:24]}-{teacher.digest[:12]}-{teacher.preprocessing.version}"
    folder.mkdir(parents=True, exist_ok=True)
    cutter = Cutter(prepared, teacher.preprocessing, Augment(), 0)
    count, pieces = len(prepared.items), []
    for start in range(0, count, PIECE):
        kept = folder / f"{start:07d}.safetensors"
        if not kept.is_file():
            part = teacher.embed(cutter.plain(np.arange(start, min(start + PIECE, count))))
            written = kept.with_suffix(".part")
            save_file({"templates": part}, written)
            written.replace(kept)
        pieces.append(load_file(kept)["templates"])
        if progress:
            progress(min(start + PIECE, count), count)
    return np.concatenate(pieces)


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(length, 1e-12), np.float32)
