"""Training steps of a recipe on pictures that are made up, each stage timed.

The parts are those that ``firstsight.training.loop.fit`` puts together, in its order; how long a whole step
takes is read off ``fit`` itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.timing import Timing
from firstsight.datasets.loader import Cutter, load
from firstsight.datasets.prepared import Item, Prepared, View
from firstsight.datasets.samplers import Batch, Classes
from firstsight.datasets.splits import labels
from firstsight.training.building import build_loss, build_twin, view_of
from firstsight.training.loop import Run, build_sampler, fit
from firstsight.training.narrowing import narrow
from firstsight.training.optimising import Average, build_optimiser, set_rates
from firstsight.training.precision import mixed
from firstsight.training.processes import Processes
from firstsight.training.recipe import Recipe
from firstsight.training.validating import pixels_of
from firstsight.twins import imitation

GROUPS: Final = 16
IDENTITIES: Final = 32
"""Of each group."""
PICTURES: Final = 4
"""Of each identity."""
STAGES: Final = ("waiting for pictures", "tower forward", "loss", "backward", "optimiser")
CUTTING: Final = "cutting and distorting, one thread"
WHOLE: Final = "whole"
WARM: Final = 2
"""Steps before any is counted."""


def made_up(view: View, seed: int) -> Prepared:
    """Pictures of noise, so many groups of identities as every recipe can sample from."""
    draw = np.random.default_rng(seed)
    count = GROUPS * IDENTITIES * PICTURES
    pixels = draw.integers(0, 256, (count, view.side, view.side, view.channels), np.uint8)
    numbers = [divmod(row // PICTURES, IDENTITIES) for row in range(count)]
    items = [Item(f"{row}.png", f"{group}-{own}", str(group)) for row, (group, own) in enumerate(numbers)]
    return Prepared(pixels, tuple(items), view, f"noise {view.side} {seed}", ())


class Stepper:
    """The parts of a run by a recipe, and its steps one by one."""

    def __init__(self, recipe: Recipe, device: torch.device, *, workers: int = 2) -> None:
        self.recipe, self.device, self.workers = recipe, device, workers
        twin = build_twin(recipe)
        self.data = made_up(view_of(twin.preprocessing), recipe.seed)
        self.twin = narrow(recipe, twin, self.data) if recipe.tower.narrow else twin
        identity, group = labels(self.data.items)
        turned, mirrored = recipe.data.turned, recipe.data.mirrored
        self.classes = Classes(np.arange(len(identity)), identity, group, turned, mirrored)
        self.sampler = build_sampler(recipe, self.classes)
        self.cutter = Cutter(self.data, self.twin.preprocessing, recipe.augment, recipe.seed)
        self.targets = None
        if recipe.teacher.model:
            draw = np.random.default_rng(recipe.seed)
            rows = draw.standard_normal((len(identity), self.twin.blueprint.dimension), np.float32)
            self.targets = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    @property
    def pictures(self) -> int:
        """In a batch."""
        return len(self.sampler.batch(0, 0).rows)

    def stages(self, steps: int) -> dict[str, Timing]:
        """Milliseconds of each stage over so many steps, and of cutting a batch in one thread."""
        recipe, twin, device = self.recipe, self.twin, self.device
        loss_of = build_loss(recipe, self.classes.count, twin.blueprint.dimension)
        parts = {"tower": twin.tower, "head": twin.head, "loss": loss_of}
        for module in parts.values():
            module.to(device)
        twin.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        twin.tower.train()
        named = [
            (f"{part}.{name}", v) for part, module in parts.items() for name, v in module.named_parameters()
        ]
        parameters = [value for _, value in named]
        optimiser = build_optimiser(named, recipe.optimiser)
        average = Average(parts.values(), recipe.schedule.average) if recipe.schedule.average else None
        half = mixed(recipe.precision, device)
        spent: dict[str, list[float]] = {stage: [] for stage in STAGES}

        @contextmanager
        def timed(stage: str) -> Iterator[None]:
            began = time.perf_counter()
            yield
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            spent[stage].append(1000 * (time.perf_counter() - began))

        # However short an epoch is, there are as many steps as asked for.
        with closing(self._batches()) as batches:
            for step in range(WARM + steps):
                with timed(STAGES[0]):
                    batch, pictures = next(batches)
                with timed(STAGES[1]):
                    with torch.autocast(device.type, torch.bfloat16, enabled=half):
                        own = twin.tower(pixels_of(pictures, twin, device))
                    embeddings = own.float()
                with timed(STAGES[2]):
                    loss = self._loss(loss_of, batch, embeddings)
                with timed(STAGES[3]):
                    loss.backward()  # type: ignore[no-untyped-call]
                with timed(STAGES[4]):
                    set_rates(optimiser, recipe.optimiser, recipe.schedule, 0, step / (WARM + steps))
                    if recipe.optimiser.clip:
                        torch.nn.utils.clip_grad_norm_(parameters, recipe.optimiser.clip)
                    optimiser.step()
                    optimiser.zero_grad(set_to_none=True)
                    if average:
                        average.update(step)
        found = {stage: Timing.of(values[WARM:]) for stage, values in spent.items()}
        return found | {CUTTING: Timing.of([self._cutting(step) for step in range(min(steps, 3))])}

    def whole(self, steps: int, folder: Path) -> Timing:
        """Milliseconds of a step of the training loop itself."""
        folder.mkdir(parents=True, exist_ok=True)
        ends: list[float] = []

        def progress(done: int, _: int, __: str) -> None:
            ends.append(time.perf_counter())
            if len(ends) > WARM + steps:
                # What ``fit`` takes for Ctrl-C, and leaves its checkpoint at.
                raise KeyboardInterrupt

        # On and on: the sampler's epoch may be shorter than what is asked for.
        recipe = replace(self.recipe, schedule=replace(self.recipe.schedule, epochs=WARM + steps + 1))
        run = Run(recipe, self.twin, self.data, None, folder, self.workers, targets=self.targets)
        try:
            fit(run, Processes(device=self.device), progress)
        except KeyboardInterrupt:
            if len(ends) <= WARM + steps:
                raise
        return Timing.of(list(1000 * np.diff(ends)[WARM:]))

    def _batches(self) -> Generator[tuple[Batch, NDArray[np.uint8]], None, None]:
        epoch = 0
        while True:
            yield from load(self.cutter, self.sampler, epoch, workers=self.workers)
            epoch += 1

    def _cutting(self, step: int) -> float:
        batch = self.sampler.batch(0, step % len(self.sampler))
        began = time.perf_counter()
        for row, turn in zip(batch.rows, batch.turns, strict=True):
            self.cutter.distorted(int(row), int(turn), np.random.default_rng((step, int(row))))
        return 1000 * (time.perf_counter() - began)

    def _loss(self, loss_of: Callable[..., Tensor], batch: Batch, embeddings: Tensor) -> Tensor:
        share = 0.0 if self.targets is None else self.recipe.teacher.share
        loss = torch.zeros((), device=self.device)
        if share < 1:
            chosen = None if batch.chosen is None else torch.from_numpy(batch.chosen).to(self.device)
            numbers = torch.from_numpy(batch.labels).to(self.device)
            loss = (1 - share) * loss_of(self.twin.head, embeddings, numbers, chosen)
        if self.targets is not None:
            wanted = torch.from_numpy(self.targets[batch.rows]).to(self.device)
            loss = loss + share * imitation(embeddings, wanted)
        return loss
