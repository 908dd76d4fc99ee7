"""``firstsight enroll``: one photo of a person, or a folder of many people."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from firstsight import fields
from firstsight.cli.bulk import WhichPart, Workers
from firstsight.cli.options import (
    Force,
    Gallery,
    Json,
    KeepCrops,
    LastDay,
    ModelName,
    gallery_shown,
    last_day,
    open_recognizer,
)
from firstsight.cli.output import answer, answer_json, command, progress, remark, table
from firstsight.errors import UsageError


@command
def enroll(
    photos: Annotated[
        list[Path] | None, typer.Argument(metavar="PHOTO...", help="Photos of one person.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Who is on them.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="One sub-folder, or one file, for each person."),
    ] = None,
    consent: Annotated[str | None, typer.Option("--consent", help="How the person agreed.")] = None,
    retain_until: LastDay = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Anything else.")] = None,
    gallery: Gallery = None,
    model: ModelName = None,
    keep_crops: KeepCrops = False,
    force: Force = False,
    workers: Workers = None,
    part: WhichPart = None,
    as_json: Json = False,
) -> None:
    """Enrol people, from one photo each or more."""
    if folder is None and (not photos or name is None):
        raise UsageError("Nobody to enrol.", hint="Give PHOTO and --name NAME, or --folder DIR.")
    if folder is not None and (photos or name is not None):
        raise UsageError("--folder goes without PHOTO and --name.", hint="Leave one of them out.")
    if folder is None and (workers is not None or part is not None):
        raise UsageError("--workers and --part go with --folder only.", hint="Leave them out.")
    until = last_day(retain_until)
    if folder is not None:
        _folder(
            folder,
            gallery,
            model,
            as_json,
            workers,
            part,
            keep_crops=keep_crops,
            force=force,
            consent=consent,
            retain_until=until,
            notes=notes,
        )
        return
    with open_recognizer(gallery, model, new=True, late=True) as recognizer:
        person = recognizer.enroll(
            str(name),
            *(photos or ()),
            consent=consent,
            retain_until=until,
            notes=notes,
            keep_crops=keep_crops,
            force=force,
        )
    if as_json:
        answer_json({"gallery": gallery_shown(gallery), "person": fields.person(person)})
    else:
        count = len(photos or ())
        answer(f"Enrolled {person.name} from {count} photo{'s' * (count != 1)}; {person.templates} in all.")


def _folder(
    folder: Path,
    gallery: str | None,
    model: str | None,
    as_json: bool,
    workers: int | None,
    part: str | None,
    **choices: object,
) -> None:
    from firstsight.networks import one_thread_each
    from firstsight.recognizer.importing import Choices, find_people, import_photos
    from firstsight.recognizer.parts import Part

    found = Part.read(part).of(find_people(folder))
    outcomes = []
    with open_recognizer(gallery, model, new=True, late=True) as recognizer, progress("Enrolling") as show:
        chosen = Choices(**choices)  # type: ignore[arg-type]
        imported = import_photos(recognizer, found, chosen, workers=workers)
        with closing(imported), one_thread_each():
            for outcome in imported:
                outcomes.append(outcome)
                show(len(outcomes), len(found))
    refused = [outcome for outcome in outcomes if outcome.error]
    counts = {
        "enrolled": sum(outcome.enrolled for outcome in outcomes),
        "already_enrolled": sum(not outcome.enrolled and not outcome.error for outcome in outcomes),
        "refused": len(refused),
    }
    if as_json:
        answer_json(
            {
                "gallery": gallery_shown(gallery),
                **counts,
                "photos": [
                    {
                        "photo": outcome.photo.label,
                        "person": outcome.photo.person,
                        "enrolled": outcome.enrolled,
                        "error": fields.error(outcome.error) if outcome.error else None,
                    }
                    for outcome in outcomes
                ],
            }
        )
    else:
        if refused:
            rows = [(outcome.photo.label, Text(str(outcome.error), "red")) for outcome in refused]
            table(("Refused", "Why"), rows)
        people = len({outcome.photo.person for outcome in outcomes if not outcome.error})
        answer(
            f"{counts['enrolled']} photos enrolled, {counts['already_enrolled']} were already, "
            f"{counts['refused']} refused; {people} people."
        )
    if len(refused) == len(outcomes):
        remark("Nobody was enrolled.")
    if refused:
        raise typer.Exit(2)
