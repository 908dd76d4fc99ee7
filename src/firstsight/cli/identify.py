"""``firstsight identify``: who is in these photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from firstsight import fields
from firstsight.cli.options import Gallery, Json, ModelName, gallery_shown, open_recognizer
from firstsight.cli.output import answer_json, command, complain, progress, remark, table
from firstsight.errors import ImageError, UsageError

if TYPE_CHECKING:
    from firstsight.recognizer import Sighting


@command
def identify(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Any number of faces in each.")],
    fpir: Annotated[
        float | None,
        typer.Option(
            "--fpir", help="Share of strangers who may be named, at the gallery's size. By default 0.01."
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE", help="Draw boxes and names; one PHOTO only."),
    ] = None,
    gallery: Gallery = None,
    model: ModelName = None,
    as_json: Json = False,
) -> None:
    """Say who is in each photo: every face, left to right, or nobody you know."""
    if picture is not None and len(photos) != 1:
        raise UsageError("--picture draws one photo.", hint="Give one PHOTO, or leave --picture out.")
    from firstsight.recognizer import FPIR

    rate = FPIR if fpir is None else fpir
    outcomes: list[tuple[Path, list[Sighting] | ImageError]] = []
    with open_recognizer(gallery, model) as recognizer, progress("Looking") as show:
        for photo in photos:
            try:
                outcomes.append((photo, recognizer.identify(photo, fpir=rate)))
            except ImageError as error:
                outcomes.append((photo, error))
            show(len(outcomes), len(photos))
        model_name = recognizer.encoder.model.name
        templates = recognizer.store.count_templates()
    found = [(photo, sightings) for photo, sightings in outcomes if isinstance(sightings, list)]
    failed = [error for _, error in outcomes if isinstance(error, ImageError)]
    if picture is not None and found:
        from firstsight.drawing import draw_sightings, save

        # Before the answer: a picture that cannot be written is then all that is said.
        save(draw_sightings(*found[0]), picture)
    if as_json:
        answer_json(
            {
                "gallery": gallery_shown(gallery),
                "model": model_name,
                "templates": templates,
                "fpir": rate,
                "photos": [{"photo": photo, **_fields(outcome)} for photo, outcome in outcomes],
            }
        )
    else:
        _show(found, _called(photos), templates, rate)
    for reason in failed:
        complain(reason)
    if failed:
        raise typer.Exit(2)
    if not any(one.person for _, sightings in found for one in sightings):
        raise typer.Exit(1)


def _fields(outcome: list[Sighting] | ImageError) -> fields.Fields:
    if isinstance(outcome, ImageError):
        return {"error": fields.error(outcome)}
    return {"faces": [fields.sighting(one) for one in outcome]}


def _called(photos: list[Path]) -> dict[Path, str]:
    """What each photo is called: its file's name, or the path as it was given where others have that name."""
    names = Counter(photo.name for photo in set(photos))
    return {photo: photo.name if names[photo.name] == 1 else str(photo) for photo in photos}


def _show(
    found: list[tuple[Path, list[Sighting]]], called: Mapping[Path, str], templates: int, fpir: float
) -> None:
    rows: list[tuple[str | Text, ...]] = []
    for photo, sightings in found:
        if not sightings:
            rows.append((called[photo], Text("no face found", "yellow"), "", "", "", ""))
        rows.extend((called[photo], *_cells(one)) for one in sightings)
    table(
        ("Photo", "Person", "Similarity", "Threshold", "Runner-up", "Face"),
        rows,
        numbers=("Similarity", "Threshold"),
    )
    remark(
        f"Thresholds let {fpir:g} of strangers be named, with {templates:,} "
        f"photo{'s' * (templates != 1)} in the gallery."
    )


def _cells(one: Sighting) -> tuple[str | Text, ...]:
    box, second = one.box, one.runner_up
    return (
        Text(one.person, "bold green") if one.person else Text("nobody I know", "yellow"),
        _number(one.similarity),
        _number(one.threshold),
        f"{second.person} {second.similarity:.3f}" if second else "",
        f"{box.width:.0f} x {box.height:.0f} at ({box.left:.0f}, {box.top:.0f})",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
