"""``firstsight embed``: the templates of all photos of a folder, without a gallery."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from firstsight.cli.bulk import WhichPart, Workers
from firstsight.cli.options import Json, ModelName
from firstsight.cli.output import answer, answer_json, command, progress, table

SHOWN: Final = 20
"""Refused photos that are listed; all of them are in the files."""


@command
def embed(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With photos, in sub-folders or not.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the templates.")],
    one_face: Annotated[
        bool, typer.Option("--one-face", help="Refuse photos that do not show exactly one face.")
    ] = False,
    model: ModelName = None,
    workers: Workers = None,
    part: WhichPart = None,
    as_json: Json = False,
) -> None:
    """Embed every face in every photo of a folder, many photos at a time.

    Interrupted, the same command goes on where it stopped.
    """
    from firstsight.models import DEFAULT
    from firstsight.networks import one_thread_each
    from firstsight.recognizer import Encoder
    from firstsight.recognizer.embedding import embed_photos
    from firstsight.recognizer.importing import find_photos
    from firstsight.recognizer.parts import Part

    mine = Part.read(part)
    photos = mine.of(find_photos(folder))
    encoder = Encoder(model or DEFAULT)
    counts: Counter[str] = Counter(embedded=0, already_embedded=0, refused=0, faces=0)
    refused: list[tuple[str, Text]] = []
    outcomes = embed_photos(encoder, photos, out, one_face=one_face, part=mine, workers=workers)
    with closing(outcomes), one_thread_each(), progress("Embedding") as show:
        for done, outcome in enumerate(outcomes, start=1):
            name = "embedded" if outcome.embedded else "refused" if outcome.error else "already_embedded"
            counts[name] += 1
            counts["faces"] += outcome.faces
            if outcome.error and len(refused) < SHOWN:
                refused.append((outcome.photo.label, Text(str(outcome.error), "red")))
            show(done, len(photos))
    if as_json:
        answer_json({"out": out, "model": encoder.model.name, "part": str(mine), **counts})
    else:
        if refused:
            table(("Refused", "Why"), refused)
        if counts["refused"] > len(refused):
            answer(f"... and {counts['refused'] - len(refused)} more, see {out}/*.jsonl.")
        answer(
            f"{counts['embedded']} photos embedded, with {counts['faces']} faces; "
            f"{counts['already_embedded']} were already, {counts['refused']} refused."
        )
    if counts["refused"]:
        raise typer.Exit(2)
