"""``firstsight classify``: one-shot classification, as the founding text has it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from firstsight.cli.options import AnyModel, Json
from firstsight.cli.output import answer_json, command, table
from firstsight.fields import rounded


@command
def classify(
    probes: Annotated[list[Path], typer.Argument(metavar="PROBE...", help="Photos to classify.")],
    support: Annotated[
        Path,
        typer.Option(
            "--support",
            metavar="DIR",
            help="One photo of each of C people: NAME.jpg or NAME/photo.",
        ),
    ],
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw the answer.")
    ] = None,
    model: AnyModel = None,
    as_json: Json = False,
) -> None:
    """Compare each probe with one photo of each person; the highest similarity wins."""
    from firstsight.models import DEFAULT
    from firstsight.recognizer import Encoder
    from firstsight.recognizer import classify as compare
    from firstsight.recognizer.importing import support_set

    people = support_set(support)
    encoder = Encoder(model or DEFAULT)
    found = compare(encoder, probes, people)
    if picture is not None:
        from firstsight.drawing import draw_classifications, save

        save(draw_classifications(found, probes, people), picture)
    if as_json:
        answer_json(
            {
                "model": encoder.model.name,
                "support": support,
                "probes": [
                    {
                        "probe": probe,
                        "person": one.person,
                        "similarities": [
                            {"person": person, "similarity": rounded(value)} for person, value in one.ranking
                        ],
                    }
                    for probe, one in zip(probes, found, strict=True)
                ],
            }
        )
        return
    rows = [
        (
            one.probe if place == 0 else "",
            Text(person, "bold green" if place == 0 else ""),
            f"{value:.3f}",
        )
        for one in found
        for place, (person, value) in enumerate(one.ranking)
    ]
    table(("Probe", "Person", "Similarity"), rows, numbers=("Similarity",))
