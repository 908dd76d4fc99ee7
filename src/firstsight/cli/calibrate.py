"""``firstsight calibrate``: thresholds and evidence of a model, from people who take part in no test."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from firstsight.cli.options import Mirrored, Shifted
from firstsight.cli.output import answer, command, progress
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.models import Calibration


@command
def calibrate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A model file, which gets them, or a model of `firstsight models`."
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="PATH",
            help="Folder, zip or tar with one sub-folder per person, of 200 people or more.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write them as JSON; by default MODEL.json here, and none where they go into a model file.",
        ),
    ] = None,
    without: Annotated[
        Path | None,
        typer.Option(
            "--without",
            metavar="FILE",
            help="Leave out the identities that this text names, one a line: whoever takes part in a test.",
        ),
    ] = None,
    mirrored: Mirrored = False,
    shifted: Shifted = 0,
    picture: Annotated[Path | None, typer.Option("--picture", metavar="FILE", help="Draw it.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the bootstrap.")] = 0,
) -> None:
    """Compute the thresholds of stated false match rates, with intervals, and likelihood ratios."""
    from firstsight.datasets import open_identities
    from firstsight.datasets.identities import read_list
    from firstsight.evaluation import calibrate as compute
    from firstsight.files import write_whole
    from firstsight.models import open_model
    from firstsight.models.file import ENDING
    from firstsight.models.registry import ONNX

    if model.endswith(ONNX):
        raise UsageError(
            f"{model} is sealed, and takes no other calibration.",
            hint="Calibrate the model that it was exported from, and export it again with --calibration.",
        )
    if picture is not None:
        from firstsight.evaluation.plots import check_ending

        check_ending(picture)
    plain = open_model(model)
    opened, identities = plain.with_views(mirrored=mirrored, shifted=shifted), open_identities(data)
    left_out = read_list(without) if without is not None else frozenset()
    if without is not None and (unknown := left_out - identities.pictures.keys()):
        raise UsageError(
            f"{without} names {len(unknown)} whom {data} does not have, like {min(unknown)}.",
            hint="An identity is told by the name of its folder.",
        )
    used = [name for name in identities.pictures if name not in left_out]
    if known := opened.trained_on(used):
        raise UsageError(
            f"{model} was trained on {len(known)} of the identities of {data}, like {min(known)}: "
            "thresholds from them would be too good.",
            hint="Identities are told by the names of their folders: give pictures of others, "
            "or rename the folders where these are others.",
        )
    with progress("Embedding") as show:
        found = compute(opened, identities, without=left_out, seed=seed, progress=show)
    # The file opens as it is, without further views: thresholds for those would be wrong there.
    own = model.endswith(ENDING) and opened.preprocessing == plain.preprocessing
    if own:
        _put_into(Path(model), opened.digest, found, used)
    name = Path(model).name.removesuffix(ENDING)
    if out is not None or not own:
        out = out or Path(f"{name}.json")
        write_whole(out, found.to_json())
    if picture is not None:
        from firstsight.evaluation.plots import draw_calibration

        draw_calibration(found, opened.name, picture)
    for point in found.points:
        answer(
            f"FMR {point.fmr:g}: threshold {point.threshold:.4f} "
            f"[{point.low:.4f} to {point.high:.4f}], FNMR {100 * point.fnmr:.2f} %"
        )
    if own:
        answer(
            f"Written into {model}; galleries made with it stay as they are. It keeps marks of these "
            f"{len(used):,} identities, who are no test for it any more."
        )
    if out is not None:
        answer(f"Written to {out}.")
    if out is not None and not own:
        words = ("firstsight", "export", model, f"{name}.onnx", *opened.preprocessing.looks.split())
        sealing = shlex.join([*words, "--calibration", str(out)])
        answer(f"To use them: {sealing}")
        answer(f"and name that file, --model {shlex.quote(f'{name}.onnx')}, in place of the model.")


def _put_into(path: Path, digest: str, calibration: Calibration, identities: Collection[str]) -> None:
    """Give a model file its calibration and the marks of whom it was made on, whole or not at all.

    Raises:
        UsageError: it cannot be written, or is another model by now.
    """
    from firstsight.models.file import calibrated, read_twin, write_twin

    twin = read_twin(path)
    # Embedding takes long; a training that ended meanwhile is not to be undone.
    if twin.digest != digest:
        raise UsageError(f"{path} became another model meanwhile.", hint="Calibrate it again.")
    write_twin(path, calibrated(twin, calibration, identities))
