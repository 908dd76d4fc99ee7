"""The training loop. It reads from top to bottom: data, twin, optimiser, and then step by step.

Every draw depends on (seed, epoch, step) alone, so that a run that was killed and goes on from its
checkpoint ends in the same weights as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstsight.datasets.loader import Cutter, load
from firstsight.datasets.prepared import Prepared
from firstsight.datasets.samplers import Batch, ByIdentity, ByPair, Classes, Sampler, Shuffled
from firstsight.datasets.splits import labels
from firstsight.errors import CheckpointError, DataError
from firstsight.models import Model
from firstsight.training.building import Twin, build_loss
from firstsight.training.checkpoint import (
    Position,
    optimiser_tensors,
    read_checkpoint,
    restore_optimiser,
    write_checkpoint,
)
from firstsight.training.interrupting import held_back
from firstsight.training.journal import Journal
from firstsight.training.monitors import Monitor
from firstsight.training.optimising import Average, build_optimiser, set_rates
from firstsight.training.precision import mixed
from firstsight.training.processes import Processes
from firstsight.training.recipe import Recipe
from firstsight.training.validating import Validator, pixels_of
from firstsight.twins import imitation

Progress = Callable[[int, int, str], None]
"""Called with the steps done, all steps, and a word on how it goes."""
Measured = Callable[[int, dict[str, float]], None]
"""Called with the epoch, from 1, and what was measured after it; whatever it raises ends the run."""
LOG_EVERY = 20


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What a run is made of."""

    recipe: Recipe
    twin: Twin
    train: Prepared
    validator: Validator | None
    out: Path
    workers: int = 2
    tensorboard: bool = False
    targets: NDArray[np.float32] | None = None
    """What a teacher makes of each training picture, (N, D); None without one."""
    teacher: Model | None = None
    """Who made them."""


def build_sampler(recipe: Recipe, classes: Classes) -> Sampler:
    """The sampler of a recipe."""
    choice, seed = recipe.sampler, recipe.seed
    if choice.name == "identities":
        return ByIdentity(
            classes, choice.identities, choice.each, groups=choice.groups, steps=choice.steps, seed=seed
        )
    if choice.name == "pairs":
        return ByPair(classes, choice.size, pairs=choice.pairs, seed=seed)
    return Shuffled(classes, choice.size, seed)


def fit(
    run: Run,
    processes: Processes,
    progress: Progress | None = None,
    measured: Measured | None = None,
    *,
    further: bool = True,
) -> Position:
    """Train, and leave the weights that are to be kept in the twin.

    Without ``further``, those are what the run's checkpoint has, and not a step is made.

    Ctrl-C, or KeyboardInterrupt out of ``progress``, leaves a checkpoint to go on from.

    Raises:
        TrainingStopped: a monitor ended the run.
        CheckpointError: a checkpoint of something else, or none could be written.
        DataError: the sampler cannot make a batch.
    """
    recipe, twin, device = run.recipe, run.twin, processes.device

    # The data: which pictures, in which batches, distorted how.
    identity, group = labels(run.train.items)
    classes = Classes(np.arange(len(identity)), identity, group, recipe.data.turned, recipe.data.mirrored)
    sampler = build_sampler(recipe, classes)
    if not len(sampler):
        raise DataError(
            f"{len(identity)} pictures do not fill one batch.", hint="Lower sampler.size in the recipe."
        )
    if len(sampler.batch(0, 0).rows) < processes.count:
        raise DataError(
            f"{processes.count} processes cannot share a batch of {len(sampler.batch(0, 0).rows)} pictures.",
            hint="Start fewer processes, or enlarge the batch.",
        )
    cutter = Cutter(run.train, twin.preprocessing, recipe.augment, recipe.seed)

    # The twin, its loss, and what moves their weights.
    loss_of = build_loss(recipe, classes.count, twin.blueprint.dimension)
    parts = {"tower": twin.tower, "head": twin.head, "loss": loss_of}
    for module in parts.values():
        module.to(device)
    twin.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    named = [
        (f"{part}.{name}", value)
        for part, module in parts.items()
        for name, value in module.named_parameters()
    ]
    parameters = [value for _, value in named]
    optimiser = build_optimiser(named, recipe.optimiser)
    average = Average(parts.values(), recipe.schedule.average) if recipe.schedule.average else None
    monitor = Monitor(compares=recipe.loss.name in ("cross-entropy", "contrastive", "triplet"))

    # Where the run stands.
    position = Position(
        recipe.digest,
        run.train.digest,
        selection=run.train.selection,
        start=twin.start.digest if twin.start else "",
        teacher=run.teacher.digest if run.teacher else "",
        processes=processes.count,
    )
    best: dict[str, Tensor] = {}

    def tensors() -> dict[str, Tensor]:
        found = {
            f"{part}.{name}": value
            for part, module in parts.items()
            for name, value in module.state_dict().items()
        }
        found |= {f"optimiser.{name}": value for name, value in optimiser_tensors(optimiser).items()}
        found |= {f"average.{place}": value for place, value in enumerate(average.values if average else [])}
        return found | {f"best.{name}": value for name, value in best.items()}

    def below(found: dict[str, Tensor], start: str) -> dict[str, Tensor]:
        return {name.removeprefix(start): value for name, value in found.items() if name.startswith(start)}

    # Without a step to do, any number of processes may make the model.
    expected = position if further else replace(position, processes=None)
    if kept := read_checkpoint(run.out, expected):
        position, found = kept
        try:
            for part, module in parts.items():
                module.load_state_dict(below(found, f"{part}."))
            restore_optimiser(optimiser, below(found, "optimiser."))
            if average:
                for place, own in enumerate(average.values):
                    own.copy_(found[f"average.{place}"])
        except (RuntimeError, ValueError, LookupError) as error:
            raise CheckpointError(
                f"The checkpoint in {run.out} does not fit the twin ({error}).", hint="Name another --out."
            ) from error
        best = below(found, "best.")
    elif not further:
        raise CheckpointError(
            f"{run.out} has no checkpoint to make a model of.", hint="Train first, without --finish."
        )
    journal = Journal(run.out, position.done, tensorboard=run.tensorboard) if processes.first else None

    def save() -> None:
        if processes.first:
            write_checkpoint(run.out, position, tensors())

    def patient() -> bool:
        limit = recipe.schedule.patience if run.validator else 0
        return not limit or position.epoch - max(position.best_epoch, 0) < limit

    # Step by step.
    steps, whole = len(sampler), len(sampler) * recipe.schedule.epochs
    began, saved, shown = time.monotonic() - position.seconds, time.monotonic(), ""
    with held_back() as look, closing(journal) if journal else nullcontext():
        while further and position.epoch < recipe.schedule.epochs and patient():
            twin.tower.train()
            batches = load(
                cutter,
                sampler,
                position.epoch,
                position.step,
                workers=run.workers,
                share=(processes.rank, processes.count),
            )
            for batch, pictures in batches:
                share = set_rates(
                    optimiser, recipe.optimiser, recipe.schedule, position.epoch, position.step / steps
                )
                torch.manual_seed(hash((recipe.seed, position.done, processes.rank)) % 2**63)
                optimiser.zero_grad(set_to_none=True)
                loss, embeddings = _loss(run, processes, loss_of, batch, pictures)
                loss.backward()  # type: ignore[no-untyped-call]
                processes.average_gradients(parameters)
                if recipe.optimiser.clip:
                    torch.nn.utils.clip_grad_norm_(parameters, recipe.optimiser.clip)
                value = float(loss.detach())
                monitor.look(value, embeddings.detach(), batch)
                optimiser.step()
                # At each step: a checkpoint holds the first process's, which must be what all go on with.
                processes.average_buffers([twin.tower])
                position.step += 1
                position.done += 1
                position.pictures += len(batch.rows)
                position.pairs += _pairs(batch) if monitor.compares else 0
                position.seconds = time.monotonic() - began
                if average:
                    average.update(position.done)
                if journal and position.done % LOG_EVERY == 0:
                    speed = position.pictures / position.seconds
                    journal.write(
                        position.done, {"epoch": position.epoch, "loss": value, "rate": share, "speed": speed}
                    )
                try:
                    if progress:
                        progress(position.done, whole, f"loss {value:.3f} {shown}")
                    look()
                except KeyboardInterrupt:
                    save()
                    raise
                # After an epoch's last step there is a checkpoint anyway.
                if position.step < steps and time.monotonic() - saved > 60 * recipe.schedule.minutes:
                    save()
                    saved = time.monotonic()

            position.epoch, position.step = position.epoch + 1, 0
            if run.validator and (
                position.epoch % recipe.validation.every == 0 or position.epoch == recipe.schedule.epochs
            ):
                if average:
                    average.swap()
                seen = replace(cutter, prepared=run.validator.prepared)
                figures = processes.agreed(run.validator.measure(twin, seen, device))
                better = figures[recipe.validation.by] > position.best
                if recipe.schedule.patience and better:
                    best = {
                        f"{part}.{name}": value.detach().cpu().clone()
                        for part, module in parts.items()
                        for name, value in module.state_dict().items()
                    }
                if better:
                    position.best, position.best_epoch = figures[recipe.validation.by], position.epoch
                if average:
                    average.swap()
                position.history.append({"epoch": float(position.epoch), **figures})
                shown = ", ".join(f"{name} {100 * value:.1f} %" for name, value in figures.items())
                if journal:
                    journal.write(
                        position.done, {"epoch": position.epoch, "seconds": position.seconds, **figures}
                    )
            save()
            saved = time.monotonic()
            look()
            if measured and position.history and position.history[-1]["epoch"] == position.epoch:
                measured(position.epoch, position.history[-1])

    # What is kept: the best epoch, or the average, or the last weights.
    if best:
        for part, module in parts.items():
            module.load_state_dict(below(best, f"{part}."))
    elif average:
        average.swap()
    for module in parts.values():
        module.eval()
    return position


def _loss(
    run: Run, processes: Processes, loss_of: torch.nn.Module, batch: Batch, pictures: np.ndarray
) -> tuple[Tensor, Tensor]:
    """The loss of a batch, each picture of which is embedded once, and the embeddings (N, D)."""
    device = processes.device
    half = mixed(run.recipe.precision, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        own = run.twin.tower(pixels_of(pictures, run.twin, device))
    embeddings = processes.gather(own.float(), len(batch.rows))
    chosen = None if batch.chosen is None else torch.from_numpy(batch.chosen).to(device)
    share = 0.0 if run.targets is None else run.recipe.teacher.share
    loss = torch.zeros((), device=device)
    if share < 1:
        own_labels = torch.from_numpy(batch.labels).to(device)
        loss = (1 - share) * loss_of(run.twin.head, embeddings, own_labels, chosen)
    if run.targets is not None:
        wanted = torch.from_numpy(run.targets[batch.rows]).to(device)
        loss = loss + share * imitation(embeddings, wanted)
    return loss, embeddings


def _pairs(batch: Batch) -> int:
    """How many pairs a batch scores."""
    count = len(batch.rows)
    return int(batch.chosen.sum()) if batch.chosen is not None else count * (count - 1) // 2
