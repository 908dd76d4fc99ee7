"""A whole run: data prepared, twin trained, calibrated, and written as one model file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from firstsight.datasets.prepared import Prepared
from firstsight.datasets.preparing import prepare
from firstsight.datasets.splits import Split, open_split
from firstsight.errors import DataError, TrainingError
from firstsight.training.building import build_twin, view_of
from firstsight.training.loop import Measured, Progress, Run, fit
from firstsight.training.narrowing import narrow
from firstsight.training.outcome import Outcome, finish
from firstsight.training.processes import Processes, joined
from firstsight.training.recipe import Recipe
from firstsight.training.teaching import open_teacher, targets
from firstsight.training.validating import Validator

Stage = Callable[[str], Callable[[int, int], None]]
"""Announces a stage by its title, and is told how far it has come."""


def train(
    recipe: Recipe,
    path: Path,
    out: Path,
    *,
    cache: Path | None = None,
    strict: bool = False,
    workers: int = 2,
    tensorboard: bool = False,
    further: bool = True,
    stage: Stage | None = None,
    progress: Progress | None = None,
    measured: Measured | None = None,
    begun: Callable[[Run], None] | None = None,
) -> Outcome:
    """Train by a recipe, or go on with the run that lies in ``out``.

    Args:
        recipe: what to do.
        path: the data set, as its layout has it.
        out: folder of the run: checkpoint, log, model file, report.
        cache: folder of prepared data; the user's cache when None.
        strict: refuse data with a picture that cannot be used.
        workers: threads that cut pictures.
        tensorboard: also write TensorBoard's events.
        further: False makes the model of the run as it stands, before its last epoch.
        stage: told of each picture that is prepared.
        progress: told of each step.
        measured: told of each validation; what it raises ends the run.
        begun: told what the run is made of, before its first step.

    Raises:
        DataError: the data are not as the layout has them, or too few.
        RecipeError: a recipe that cannot be done.
        TrainingError: the run cannot begin, go on, or was ended by a monitor.
    """
    _make(out)
    with joined() as processes, alone(out, processes):
        run, split = set_up(recipe, path, out, processes, cache, strict, workers, tensorboard, stage)
        if begun:
            begun(run)
        position = fit(run, processes, progress, measured, further=further)
        return finish(run, split, position, processes)


def set_up(
    recipe: Recipe,
    path: Path,
    out: Path,
    processes: Processes,
    cache: Path | None = None,
    strict: bool = False,
    workers: int = 2,
    tensorboard: bool = False,
    stage: Stage | None = None,
) -> tuple[Run, Split]:
    """All that a run needs, and which pictures are on which side; see ``train``."""
    _make(out)
    split = open_split(recipe.data.layout, recipe.data.part, path, held_out=recipe.data.held_out)
    twin, teacher = build_twin(recipe), open_teacher(recipe)
    held_out = {item.identity for _, items in split.validation for item in items}
    for model, name, told in (
        (twin.start, recipe.tower.start, "Start from another model"),
        (teacher, recipe.teacher.model, "Take another teacher"),
    ):
        if model and (known := model.trained_on(held_out)):
            raise DataError(
                f"{name} was trained on {len(known)} of the identities that are to validate.",
                hint=f"{told}, or hold out others.",
            )
    view, place = view_of(twin.preprocessing), cache or user_cache_path("firstsight") / "prepared"

    def prepared(part: str, title: str) -> Prepared:
        show = stage(title) if stage else None
        return prepare(getattr(split, part), view, place, strict=strict, progress=show)

    # The first process prepares for all.
    if not processes.first:
        processes.wait()
    data = prepared("train", "Preparing")
    asked = stage("Asking the teacher") if stage and teacher else None
    learnt = targets(recipe, teacher, data, twin.blueprint.dimension, place, asked)
    if recipe.tower.narrow:
        twin = narrow(recipe, twin, data)
    held = prepared("validation", "Preparing validation") if split.validation else None
    if processes.first:
        processes.wait()
    validator = Validator(held, split.pairs, recipe.validation, recipe.seed) if held else None
    if validator:
        validator.check()
    return Run(recipe, twin, data, validator, out, workers, tensorboard, learnt, teacher), split


@contextmanager
def alone(out: Path, processes: Processes) -> Iterator[None]:
    """Nobody else trains in the folder meanwhile: two would write over each other's checkpoints.

    Raises:
        TrainingError: somebody does, or nothing can be written into it.
    """
    if not processes.first:
        yield
        return
    _make(out)
    lock = FileLock(out / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise TrainingError(
            f"Another process is training in {out}.", hint="Wait for it, or name another --out."
        ) from error
    except OSError as error:
        raise TrainingError(
            f"Nothing can be written into {out} ({error.strerror}).", hint="Name another --out."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(
            f"{out} cannot be made ({error.strerror}).", hint="Name another --out."
        ) from error
