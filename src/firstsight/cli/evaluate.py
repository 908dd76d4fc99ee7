"""``firstsight evaluate`` and ``firstsight report``: figures by published protocols, and their page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.options import Mirrored, Shifted
from firstsight.cli.output import answer, command, progress, table


@command
def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="A model of `firstsight models`, or a model file; for lfw-view2 also several files of one "
            "recipe, each fold then scored by one that has seen nobody of it.",
        ),
    ],
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            help="omniglot-runs, omniglot-within, omniglot-within-10, omniglot-pairs, lfw-view1, lfw-view2, "
            "n-way, open-set, robustness or transfer.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option("--data", metavar="PATH", help="The data set as published, packed or not."),
    ],
    out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Write the figures as JSON.")
    ] = None,
    report_to: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write a page with plots and pictures of the trials."),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            metavar="FILE",
            help="Draw the curve; n-way, transfer, omniglot-runs and omniglot-within(-10) have none.",
        ),
    ] = None,
    mirrored: Mirrored = False,
    shifted: Shifted = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of draws and intervals.")] = 0,
) -> None:
    """Measure a model from pictures, decoding, detection and alignment included."""
    from firstsight.errors import UsageError
    from firstsight.evaluation import PROTOCOLS, evaluate_folds
    from firstsight.evaluation import evaluate as measure
    from firstsight.files import write_whole
    from firstsight.models import open_model

    if len(models) > 1 and protocol != "lfw-view2":
        raise UsageError("Several models are for lfw-view2 only.", hint="Name one model.")
    if picture is not None:
        from firstsight.evaluation.plots import check_ending

        if protocol in PROTOCOLS and not PROTOCOLS[protocol].curves:
            raise UsageError(f"{protocol} has no curve to draw.", hint="Leave --picture out.")
        check_ending(picture)
    opened = [open_model(model).with_views(mirrored=mirrored, shifted=shifted) for model in models]
    with progress("Embedding") as show:
        if len(opened) > 1:
            result = evaluate_folds(opened, data, seed=seed, progress=show)
        else:
            result = measure(opened[0], protocol, data, seed=seed, progress=show)
    if out is not None:
        write_whole(out, result.to_json())
    if picture is not None and result.curves:
        from firstsight.evaluation.plots import draw_curve

        draw_curve(result.curves[0], picture)
    rows = [
        (
            name,
            f"{100 * found.value:.2f} %",
            f"{100 * found.low:.2f} to {100 * found.high:.2f}",
            found.n,
        )
        for name, found in result.measures.items()
    ]
    table(("Measure", "Value", "95 % interval", "n"), rows, numbers=("Value", "95 % interval", "n"))
    answer(result.rule)
    if report_to is not None:
        from firstsight.evaluation.page import write_page

        answer(f"Page: {write_page(result, report_to)}")


@command
def report(
    results: Annotated[
        list[Path], typer.Argument(metavar="JSON...", help="Files of evaluate and benchmarks.")
    ],
    page: Annotated[Path, typer.Option("--page", metavar="FILE", help="The Markdown page to write.")],
) -> None:
    """Render results into one page."""
    from firstsight.evaluation.report import write_report

    write_report(page, results)
    answer(f"{page} rendered from {len(results)} files.")
