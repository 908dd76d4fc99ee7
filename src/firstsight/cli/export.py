"""``firstsight export``: a model for programs that know nothing of firstsight."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firstsight.cli.options import Mirrored, Shifted
from firstsight.cli.output import answer, command

if TYPE_CHECKING:
    from firstsight.models import Model


@command
def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A model of `firstsight models`, or a model file.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The ONNX file to write.")],
    mirrored: Mirrored = False,
    shifted: Shifted = 0,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration", metavar="FILE", help="Thresholds that `calibrate` wrote, in place of its own."
        ),
    ] = None,
    int8: Annotated[bool, typer.Option("--int8", help="Weights in 8 bits: a quarter of the file.")] = False,
) -> None:
    """Write a model as ONNX: aligned crops in, templates out, thresholds and terms in its metadata."""
    from firstsight.models import open_model
    from firstsight.models.exporting import export_onnx
    from firstsight.models.sealing import with_calibration

    opened = open_model(model).with_views(mirrored=mirrored, shifted=shifted)
    if calibration is not None:
        opened = with_calibration(opened, calibration)
    export_onnx(opened, out, int8=int8)
    size, channels = opened.preprocessing.size, opened.preprocessing.channels
    answer(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
    answer(f"crops (N, {size}, {size}, {channels}) uint8 -> templates (N, {opened.dimension}) float32")
    answer(_thresholds(model, opened, int8=int8))
    answer(f"Terms: {opened.card.licence}.")


def _thresholds(model: str, opened: Model, *, int8: bool) -> str:
    """Which thresholds the file carries; without any, how it comes to some."""
    if opened.calibration is not None:
        origin = opened.calibration.provenance
        # Another's, and so the rates at them are near those that were asked for, not the same.
        whose = f" They were made with {opened.name}; in 8 bits its scores differ a little." if int8 else ""
        return f"Thresholds: of {origin.get('people', '?')} identities ({origin.get('data', '?')}).{whose}"
    looks = opened.preprocessing.looks
    asked = " ".join(part for part in (model, "--data FOLDER", looks) if part)
    return (
        f"Thresholds: none{f', as those it has are not for {looks}' if looks else ''}. Without them it names "
        f"and verifies nobody; `firstsight calibrate {asked}` makes some for --calibration."
    )
