"""``firstsight search``: the values of a recipe that validate best."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.output import answer, command, plain, stages


@command
def search(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A TOML file, or the name of a recipe that ships.")
    ],
    data: Annotated[Path, typer.Option("--data", metavar="PATH", help="The pictures, packed or not.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the search; one that is there goes on.")
    ],
    trials: Annotated[int, typer.Option("--trials", min=1, help="How many in all.")] = 30,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Of each trial.")] = 5,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, as in data.size=32."),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Folder of prepared data.")
    ] = None,
) -> None:
    """Search rates, momentum and L2 (of each layer, for the paper's twin) by validation; extra `search`."""
    from firstsight.training import read_recipe
    from firstsight.training.searching import search as look
    from firstsight.training.searching import space_of

    chosen = read_recipe(recipe, changes or [])
    with stages() as stage:
        tried = stage("Trials")
        steps: list[Callable[[int, int, str], None]] = []

        def step(done: int, whole: int, how: str) -> None:
            if not steps:
                steps.append(stage("Steps"))
            steps[0](done, whole, how)

        def told(done: int, whole: int, best: float) -> None:
            tried(done, whole, f"best {100 * best:.1f} %" if best >= 0 else "")

        found = look(
            chosen,
            space_of(chosen),
            data,
            out,
            trials=trials,
            epochs=epochs,
            cache=cache,
            stage=lambda title: plain(stage(title)),
            progress=step,
            told=told,
        )
    answer(f"Best of {found.trials} trials: {100 * found.score:.1f} % after {epochs} epochs.")
    answer(f"Recipe: {found.file}")
