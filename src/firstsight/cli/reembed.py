"""``firstsight reembed``: move a gallery to another model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.options import Gallery, Json, gallery_path, gallery_shown, open_gallery
from firstsight.cli.output import answer, answer_json, command, progress, remark


@command
def reembed(
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The model to move to.")],
    photos: Annotated[
        Path | None,
        typer.Option("--photos", metavar="DIR", help="Where the photos are of which no crop was kept."),
    ] = None,
    drop: Annotated[
        bool, typer.Option("--drop", help="Go on without the photos that cannot be embedded anew.")
    ] = False,
    gallery: Gallery = None,
    as_json: Json = False,
) -> None:
    """Embed everybody with another model, from kept crops or from a folder of photos.

    Lists who must be enrolled again. Nothing is changed while anything would be lost, unless --drop says so.
    """
    open_gallery(gallery).close()
    from firstsight.recognizer import Encoder
    from firstsight.recognizer.reembedding import embed_anew, move

    encoder = Encoder(model)
    with progress("Embedding") as show:
        plan = embed_anew(gallery_path(gallery), encoder, photos, progress=show)
    done = drop or not plan.lost
    if done:
        move(gallery_path(gallery), encoder, plan)
    if as_json:
        answer_json(
            {
                "gallery": gallery_shown(gallery),
                "model": model,
                "moved": done,
                "embedded": len(plan.embeddings),
                "lost": [
                    {
                        "photo": lost.template_id,
                        "person": lost.person,
                        "source": lost.source,
                        "why": lost.why,
                    }
                    for lost in plan.lost
                ],
                "enroll_again": list(plan.people_left),
            }
        )
    else:
        for lost in plan.lost:
            told = "Dropped photo" if done else "Photo"
            answer(f"{told} {lost.template_id} of {lost.person} ({lost.source}): {lost.why}.")
        if plan.people_left:
            answer(f"To be enrolled again: {', '.join(plan.people_left)}.")
        if done:
            answer(f"{len(plan.embeddings)} photos now belong to the model {model}.")
    if not done:
        remark(
            "Nothing was changed. Name the folder of the photos with --photos, or go on without them "
            "with --drop."
        )
        raise typer.Exit(2)
