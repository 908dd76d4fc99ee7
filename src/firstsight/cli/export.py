"""``firstsight export``: a model for programs that know nothing of firstsight."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.options import Mirrored, Shifted
from firstsight.cli.output import answer, command


@command
def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model of `firstsight models`, or a model file.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The ONNX file to write.")],
    mirrored: Mirrored = False,
    shifted: Shifted = 0,
    int8: Annotated[bool, typer.Option("--int8", help="Weights in 8 bits: a quarter of the file.")] = False,
) -> None:
    """Write a model as ONNX: aligned crops in, templates out, thresholds and terms in its metadata."""
    from firstsight.models import open_model
    from firstsight.models.exporting import export_onnx

    opened = open_model(model).with_views(mirrored=mirrored, shifted=shifted)
    export_onnx(opened, out, int8=int8)
    size, channels = opened.preprocessing.size, opened.preprocessing.channels
    answer(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    answer(f"crops (N, {size}, {size}, {channels}) uint8 -> templates (N, {opened.dimension}) float32")
    answer(f"Terms: {opened.card.licence}.")
