"""``firstsight backup``: a copy of a gallery, while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.cli.options import Gallery, gallery_file, gallery_path
from firstsight.cli.output import answer, command
from firstsight.errors import GalleryUnavailable
from firstsight.gallery.opening import back_up


@command
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="A file that is not there yet.")],
    gallery: Gallery = None,
) -> None:
    """Copy the gallery, and its service's keys and audit log, consistently while they are in use."""
    from firstsight.service.ledger import ledger_path

    if "://" in (place := gallery_path(gallery)):
        back_up(place, target)
        answer(f"Gallery: {target}")
        return  # What a service keeps of it lies elsewhere.
    source = gallery_file(place)
    if target.exists():
        raise GalleryUnavailable(f"{target} exists already.", hint="Name another file; nothing is replaced.")
    service, beside = ledger_path(source), ledger_path(target)
    if service.is_file() and beside.exists():
        raise GalleryUnavailable(f"{beside} exists already.", hint="Name another file.")
    back_up(source, target)
    answer(f"Gallery: {target}")
    if service.is_file():
        back_up(service, beside)
        answer(f"Keys and audit log: {beside}")
