"""What the commands for many photos share: how many at the same time, and which part of them."""

from __future__ import annotations

from typing import Annotated

import typer

Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Photos looked at at the same time; by default two more than cores."
    ),
]
WhichPart = Annotated[
    str | None,
    typer.Option(
        "--part", metavar="K/N", help="Only the K-th of N parts: N processes or machines share the photos."
    ),
]
