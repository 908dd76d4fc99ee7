"""``firstsight demo``: the sample people, enrolled from one picture each and recognised in the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from firstsight.cli.options import ModelName
from firstsight.cli.output import answer, command, progress, remark, table


@command
def demo(
    picture: Annotated[Path, typer.Option("--picture", metavar="FILE", help="Where to draw it.")] = Path(
        "firstsight-demo.png"
    ),
    model: ModelName = None,
) -> None:
    """Enrol twelve people who do not exist from one picture each, and recognise them and strangers."""
    from firstsight import demo as room
    from firstsight.drawing import drawable, save
    from firstsight.models import DEFAULT

    drawable(picture)
    with progress("Looking") as show:
        shown = room.run(model or DEFAULT, progress=show)
    table(
        ("Picture", "Shows", "Answer", "Similarity", "Threshold", ""),
        [
            (
                look.label,
                look.truth or "a stranger",
                Text(look.sighting.person or "nobody I know", "" if look.sighting.person else "dim"),
                f"{look.sighting.similarity:.3f}",
                f"{look.sighting.threshold:.3f}",
                Text("right", "green") if look.right else Text("wrong", "bold red"),
            )
            for look in shown.looks
        ],
        numbers=("Similarity", "Threshold"),
    )
    right = sum(look.right for look in shown.looks)
    save(room.draw(shown), picture)
    answer(
        f"{right} of {len(shown.looks)} faces right: {shown.enrolled} people enrolled from one picture each."
    )
    answer(f"Picture: {picture}")
    remark("They are composites of many photos and easier than life: no measure of accuracy.")
    if right < len(shown.looks):
        raise typer.Exit(1)
