"""``firstsight train``: from a recipe and pictures to one model file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.output import answer, command, interrupted, plain, remark, stages

SHOWN = 10
"""Pictures that were left out and are named."""


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
    from firstsight.training import read_recipe
    from firstsight.training import train as fit

    chosen = read_recipe(recipe, changes or [])
    with _kept(out), stages() as stage:
        step: list[Callable[[int, int, str], None]] = []

        def show(done: int, whole: int, how: str) -> None:
            if not step:
                step.append(stage("Training"))
            step[0](done, whole, how)

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
        )
    if done.unreadable:
        remark(f"{len(done.unreadable)} pictures were left out:")
        for line in done.unreadable[:SHOWN]:
            remark(f"  {line}")
    if measured := done.measured:
        shown = ", ".join(
            f"{name} {100 * value:.1f} %" for name, value in measured.items() if name != "epoch"
        )
        answer(f"Validation after epoch {measured['epoch']:.0f}: {shown}.")
    if done.uncalibrated:
        remark(f"Without thresholds: {done.uncalibrated}")
        remark(f"`firstsight calibrate {done.model} --data PATH` makes them from pictures of others.")
    answer(f"Model: {done.model}")
    answer(f"Report: {done.report}; curves: {done.picture}")


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
