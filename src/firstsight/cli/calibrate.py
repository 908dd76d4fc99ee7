"""``firstsight calibrate``: thresholds and evidence of a model, from people who take part in no test."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.output import answer, command, progress


@command
def calibrate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model of `firstsight models`.")],
    data: Annotated[
        Path,
        typer.Option("--data", metavar="PATH", help="Folder, zip or tar with one sub-folder per person."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="JSON; by default MODEL.json here.")
    ] = None,
    picture: Annotated[Path | None, typer.Option("--picture", metavar="FILE", help="Draw it.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
) -> None:
    """Compute the thresholds of stated false match rates, with intervals, and likelihood ratios."""
    from firstsight.datasets import open_identities
    from firstsight.evaluation import calibrate as compute
    from firstsight.files import write_whole
    from firstsight.models import open_model

    opened, identities = open_model(model), open_identities(data)
    with progress("Embedding") as show:
        found = compute(opened, identities, seed=seed, progress=show)
    place = out or Path(f"{model}.json")
    write_whole(place, found.to_json())
    if picture is not None:
        from firstsight.evaluation.plots import draw_calibration

        draw_calibration(found, model, picture)
    for point in found.points:
        answer(
            f"FMR {point.fmr:g}: threshold {point.threshold:.4f} "
            f"[{point.low:.4f} to {point.high:.4f}], FNMR {100 * point.fnmr:.2f} %"
        )
    answer(f"Written to {place}.")
