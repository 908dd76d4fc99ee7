"""``firstsight train``: from a recipe and pictures to one model file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from firstsight.cli.output import answer, command, interrupted, plain, remark, stages

if TYPE_CHECKING:
    from firstsight.training.loop import Run

SHOWN = 10
"""Pictures that were left out and are named."""
EVERY = 600.0
"""Seconds after which a run that nobody watches says how it goes, where no validation came before."""


@command
def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of a recipe that ships.")
    ],
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="The pictures, packed or not.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="RUN", help="Folder of the run; one that is there goes on.")
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as in schedule.epochs=5."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Folder of prepared data.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse data with a picture that cannot be used.")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Threads that cut pictures.")] = 2,
    finish: Annotated[
        bool,
        typer.Option("--finish", help="Train no further: make the model of what an interrupted run has."),
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard's events into RUN.")
    ] = False,
) -> None:
    """Train a twin; interrupted, the same command goes on where it stopped."""
    from firstsight.evaluation.calibrating import LEAST_PEOPLE
    from firstsight.training import read_recipe
    from firstsight.training import train as fit

    chosen = read_recipe(recipe, changes or [])
    said = _Said(chosen.validation.ways, chosen.schedule.epochs)
    with _kept(out), stages() as stage:
        step: list[Callable[[int, int, str], None]] = []

        def show(done: int, whole: int, how: str) -> None:
            if not step:
                step.append(stage("Training"))
            step[0](done, whole, how)
            said.step(done, whole, how)

        done = fit(
            chosen,
            data,
            out,
            cache=cache,
            strict=strict,
            workers=workers,
            tensorboard=tensorboard,
            further=not finish,
            stage=lambda title: plain(stage(title)),
            progress=show,
            measured=said.epoch,
            begun=said.begin,
        )
    if done.unreadable:
        count = len(done.unreadable)
        remark(f"{count} picture{' was' if count == 1 else 's were'} left out:")
        for line in done.unreadable[:SHOWN]:
            remark(f"  {line}")
    if measured := done.measured:
        answer(f"Validation after epoch {measured['epoch']:.0f}: {said.figures(measured)}.")
    if done.uncalibrated:
        remark(f"Without thresholds: {done.uncalibrated}")
        remark(
            f"`firstsight calibrate {done.model} --data PATH` makes them from pictures of others: "
            f"of {LEAST_PEOPLE} identities or more."
        )
    answer(f"Model: {done.model}")
    answer(f"Report: {done.report}; curves: {done.picture}")


class _Said:
    """What a run says of itself; between times only where no bar is seen, as in a file."""

    def __init__(self, asked: int, epochs: int) -> None:
        self.asked, self.epochs = asked, epochs
        self.among = (asked, asked)
        self.unseen = not Console(stderr=True).is_terminal
        self.last = time.monotonic()

    def begin(self, run: Run) -> None:
        """Note among how many identities it validates: where few were held out, fewer than asked for."""
        if run.validator:
            self.among = run.validator.among

    def figures(self, measured: Mapping[str, float]) -> str:
        """What a validation measured."""
        fewest, most = self.among
        among = f"among {fewest}" if fewest == most else f"among {fewest} to {most}"
        if fewest < self.asked:
            among += f" (of {self.asked} asked for)"
        return ", ".join(
            f"{name}{f' {among}' if name == 'one-shot' else ''}: {100 * value:.1f} %"
            for name, value in measured.items()
            if name != "epoch"
        )

    def epoch(self, epoch: int, measured: dict[str, float]) -> None:
        """A line for each validation."""
        if self.unseen:
            remark(f"Epoch {epoch} of {self.epochs}: {self.figures(measured)}.")
            self.last = time.monotonic()

    def step(self, done: int, whole: int, how: str) -> None:
        """A line after a long time without one: an epoch may take hours."""
        if self.unseen and time.monotonic() - self.last >= EVERY:
            remark(f"Step {done:,} of {whole:,}: {how.rstrip()}.")
            self.last = time.monotonic()


@contextmanager
def _kept(out: Path) -> Iterator[None]:
    """After Ctrl-C, tell how to go on."""
    from firstsight.training.checkpoint import FILE

    try:
        yield
    except KeyboardInterrupt:
        kept = (out / FILE).exists()
        told = f"{out} is kept: the same command goes on, and with --finish makes the model of what it has."
        raise interrupted(told if kept else "nothing was learnt yet: the same command begins anew.") from None
