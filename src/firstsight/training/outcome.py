"""What a run leaves: one calibrated model file, a report, and a picture of how it went."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from firstsight.datasets.augment import Augment
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Item, Prepared
from firstsight.datasets.splits import Split
from firstsight.errors import DataError, ModelError
from firstsight.evaluation.calibrating import EDGES, calibrate_templates, compare
from firstsight.evaluation.plots import draw_curves
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.evaluation.result import Curve
from firstsight.files import write_whole
from firstsight.models import Calibration, Card, Model
from firstsight.models.file import ENDING, TwinFile, calibrated, read_twin, weights, write_twin
from firstsight.models.model import mark
from firstsight.training.building import Twin
from firstsight.training.checkpoint import Position
from firstsight.training.journal import read_log
from firstsight.training.loop import Run
from firstsight.training.precision import mixed
from firstsight.training.processes import Processes
from firstsight.training.recipe import Recipe
from firstsight.training.validating import embed_rows, similarity_of

MODEL: Final = f"model{ENDING}"
REPORT: Final = "run.json"
PICTURE: Final = "curves.png"
BINS: Final = 80
HELD_OUT: Final = "identities held out in training"
"""The origin of a calibration that the run makes itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a run came to."""

    model: Path
    report: Path
    picture: Path
    position: Position
    unreadable: tuple[str, ...]
    """Pictures that were left out, with the reason."""
    uncalibrated: str
    """Why the model has no calibration; empty when it has one."""
    kept_epoch: int | None
    """After which epoch the weights of the model are those of the run; with ``patience`` the best one's. None
    where the run was ended within one: nobody has measured those."""

    @property
    def measured(self) -> dict[str, float]:
        """What the last validation up to that epoch measured; empty where there was none."""
        if self.kept_epoch is None:
            return {}
        found = [line for line in self.position.history if line["epoch"] <= self.kept_epoch]
        return dict(found[-1]) if found else {}


def finish(run: Run, split: Split, position: Position, processes: Processes) -> Outcome:
    """Write what is left of a run: the model file, the report, the picture of its curves.

    Raises:
        UsageError: one of them cannot be written.
    """
    held = run.validator.prepared if run.validator else None
    unreadable = run.train.unreadable + (held.unreadable if held else ())
    model, report, picture = run.out / MODEL, run.out / REPORT, run.out / PICTURE
    outcome = Outcome(model, report, picture, position, unreadable, "", kept_epoch(run, position))
    if not processes.first:
        return outcome
    file = twin_file(run.recipe, run.twin, split, run.train.items, run.teacher)
    if given := _given(model, file.digest):
        # With the marks of whom it was made on.
        file = replace(file, calibration=given.calibration, validated=file.validated | given.validated)
    else:
        try:
            file = calibrated(file, calibrate_held_out(file, held, run.recipe.seed))
        except DataError as error:
            outcome = replace(outcome, uncalibrated=error.message)
    write_twin(model, file)
    write_whole(report, json.dumps(summary(run, file, position, processes, outcome), indent=2) + "\n")
    draw_curves(run.recipe.name, curves(run, position), picture)
    return outcome


def kept_epoch(run: Run, position: Position) -> int | None:
    """The epoch whose weights are kept: the best one where the recipe waits for it, or the last whole one."""
    if run.recipe.schedule.patience and run.validator and position.best_epoch > 0:
        return position.best_epoch
    return None if position.step else position.epoch


def twin_file(
    recipe: Recipe, twin: Twin, split: Split, trained: Sequence[Item], teacher: Model | None = None
) -> TwinFile:
    """What the model file holds, before calibration.

    Args:
        recipe: of the run.
        twin: what it came to.
        split: who trained and who validated.
        trained: the pictures that were learnt from: those of the split without what was left out.
        teacher: whom it imitated.
    """
    tensors = weights(twin.tower, twin.head)
    sources = sorted({archive.path.name for archive, _ in split.train})
    identities = {item.identity for item in trained}
    taught = f", taught by {teacher.name}" if teacher else ""
    started = f", started from {twin.start.name}" if twin.start else ""
    card = Card(
        title=(recipe.about or f"A twin trained by the recipe {recipe.name}").rstrip("."),
        licence="that of the data it was trained on",
        trained_on=f"{', '.join(sources)} ({recipe.data.part}): {len(trained):,} pictures of "
        f"{len(identities):,} identities{taught}{started}",
        source=f"firstsight train {recipe.name}",
        limits="Knows only what its training pictures are like.",
        megabytes=round(sum(value.nbytes for value in tensors.values()) / 1e6, 1),
        parameters=sum(value.numel() for part in (twin.tower, twin.head) for value in part.parameters()),
    )
    # Of everybody, also of whom no picture could be used: a mark too many refuses a test, one too few cheats.
    marks = frozenset(mark(item.identity) for _, items in split.train for item in items)
    validated = frozenset(mark(item.identity) for _, items in split.validation for item in items)
    # What they learnt of whom, it has learnt from them.
    for origin in (twin.start, teacher):
        if origin:
            marks |= origin.identities
            validated |= origin.validated
    return TwinFile(
        recipe.name,
        twin.blueprint,
        tensors,
        twin.preprocessing,
        card,
        identities=marks,
        validated=validated,
    )


def _given(model: Path, digest: str) -> TwinFile | None:
    """The file, where ``firstsight calibrate`` put thresholds into it since: a run ended again keeps them."""
    try:
        there = read_twin(model)
    except ModelError:
        return None
    found = there.calibration
    return there if found and there.digest == digest and found.provenance["data"] != HELD_OUT else None


def calibrate_held_out(file: TwinFile, held: Prepared | None, seed: int) -> Calibration:
    """The calibration of a model on the identities that validated.

    Raises:
        DataError: nobody was held out, or too few.
    """
    if held is None:
        raise DataError("No identities were held out to calibrate on.", hint="Calibrate on other data.")
    model = file.model()
    crops = Cutter(held, file.preprocessing, Augment(), seed).plain(np.arange(len(held.items)))
    labels = np.array([item.identity for item in held.items])
    origin = {"data": HELD_OUT, "data_digest": held.digest}
    return calibrate_templates(model, model.embed(crops), labels, origin, seed)


def summary(
    run: Run, file: TwinFile, position: Position, processes: Processes, outcome: Outcome
) -> dict[str, Any]:
    """All that is needed to trust the run, or to make it again."""
    recipe = asdict(run.recipe)
    if run.twin.start:
        # Where the file lay is of no use to others; which it was is.
        recipe["tower"]["start"] = run.twin.start.name
    return {
        "recipe": recipe,
        "started_from": run.twin.start.digest if run.twin.start else "",
        "taught_by": run.teacher.digest if run.teacher else "",
        "recipe_digest": run.recipe.digest,
        "data_digest": run.train.digest,
        "pictures_in_training": len(run.train.items),
        "pictures_left_out": len(outcome.unreadable),
        "model_digest": file.digest,
        "epochs": position.epoch,
        "steps_of_the_next_epoch": position.step,
        "kept_epoch": outcome.kept_epoch,
        "steps": position.done,
        "pictures_seen": position.pictures,
        "pairs_scored": position.pairs,
        "seconds": round(position.seconds, 1),
        "processes": position.processes or processes.count,
        "device": processes.device.type,
        "precision": "bf16" if mixed(run.recipe.precision, processes.device) else "fp32",
        "history": position.history,
        "validated_among": list(run.validator.among) if run.validator else None,
        "uncalibrated": outcome.uncalibrated,
        "machine": machine(),
        "made": moment(),
        "versions": versions(),
    }


def curves(run: Run, position: Position) -> list[Curve]:
    """The loss, what validation measured, and the scores of those who validated."""
    log = [line for line in read_log(run.out) if "loss" in line]
    loss = np.array([(line["step"], line["loss"]) for line in log], dtype=np.float64).reshape(-1, 2)
    found = [Curve("Loss", "step", "loss", {"": (loss[:, 0], loss[:, 1])})]
    history = position.history
    if history:
        epochs = np.array([line["epoch"] for line in history])
        lines = {
            name: (epochs, 100 * np.array([line[name] for line in history]))
            for name in history[0]
            if name != "epoch"
        }
        found.append(Curve("Validation", "epoch", "accuracy, %", lines))
    held = run.validator.prepared if run.validator else None
    if held is not None:
        found.append(_scores(run, held))
    return found


def _scores(run: Run, held: Prepared) -> Curve:
    rows = np.arange(len(held.items))
    cutter = Cutter(held, run.twin.preprocessing, Augment(), run.recipe.seed)
    device = next(run.twin.tower.parameters()).device
    embeddings = embed_rows(run.twin, cutter, rows, device)
    labels = np.array([item.identity for item in held.items])
    counted = compare(partial(similarity_of, run.twin), embeddings, labels, run.recipe.seed)
    middles = ((EDGES[:-1] + EDGES[1:]) / 2).reshape(BINS, -1).mean(axis=1)
    impostor, mated = counted.drawn(np.ones(len(counted.mated)))
    lines = {}
    for name, counts in (("mated", mated), ("not mated", impostor)):
        coarse = counts.reshape(BINS, -1).sum(axis=1)
        lines[name] = (middles, coarse / max(coarse.sum(), 1))
    return Curve("Scores of those who validate", "similarity", "share", lines)
