"""What the commands for many photos share: how many at the same time, and which part of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Leave the cores to those who look at photos: OpenCV and torch begin no threads of their own.

    To be entered once the model is open, for it decides what is loaded.
    """
    import cv2

    torch = sys.modules.get("torch")
    before = cv2.getNumThreads(), torch.get_num_threads() if torch else 0
    cv2.setNumThreads(1)
    if torch:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        if torch:
            torch.set_num_threads(before[1])
