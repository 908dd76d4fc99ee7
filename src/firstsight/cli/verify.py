"""``firstsight verify``: whether two photos show the same person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight import fields
from firstsight.cli.options import AnyModel, Json
from firstsight.cli.output import answer, answer_json, command, likelier


@command
def verify(
    a: Annotated[Path, typer.Argument(help="A photo of one person.")],
    b: Annotated[Path, typer.Argument(help="Another photo of one person.")],
    fmr: Annotated[
        float | None,
        typer.Option(
            "--fmr", help="Share of pairs of two people that may be called the same. By default 0.001."
        ),
    ] = None,
    model: AnyModel = None,
    as_json: Json = False,
) -> None:
    """Compare two photos: exit status 0 for the same person, 1 for two people."""
    from firstsight.models import DEFAULT
    from firstsight.recognizer import FMR, Encoder
    from firstsight.recognizer import verify as compare

    encoder = Encoder(model or DEFAULT)
    found = compare(encoder, a, b, fmr=FMR if fmr is None else fmr)
    if as_json:
        answer_json({"model": encoder.model.name, **fields.verification(found)})
    else:
        verdict = "The same person" if found.same else "Not the same person"
        answer(
            f"{verdict}: similarity {found.similarity:.3f}, threshold {found.threshold:.3f} "
            f"(FMR {found.fmr:g}). Such a similarity is {likelier(found.likelihood_ratio)}."
        )
    if not found.same:
        raise typer.Exit(1)
