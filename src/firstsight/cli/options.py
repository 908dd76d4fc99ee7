"""Options that several commands share, and the gallery and model that they name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer

from firstsight.errors import GalleryUnavailable
from firstsight.gallery import Store, open_store

if TYPE_CHECKING:
    from firstsight.recognizer import Recognizer

Gallery = Annotated[
    Path | None,
    typer.Option(
        "--gallery",
        envvar="FIRSTSIGHT_GALLERY",
        metavar="FILE",
        help="Gallery to use; by default one in your data folder.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Model; by default the gallery's own, or the first that `models` lists.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer with JSON (fields: docs/cli.md).")]
Force = Annotated[bool, typer.Option("--force", help="Enrol a face of poor quality all the same.")]
KeepCrops = Annotated[
    bool,
    typer.Option("--keep-crops", help="Keep an aligned crop of each face, for `reembed` later."),
]


def gallery_path(gallery: Path | None) -> Path:
    """The gallery that was named, or the user's own."""
    return gallery or platformdirs.user_data_path("firstsight") / "people.db"


def open_gallery(gallery: Path | None) -> Store:
    """An existing gallery for listing and editing; no model is loaded."""
    path = gallery_path(gallery)
    if "://" not in str(path) and not path.exists():
        raise GalleryUnavailable(
            f"There is no gallery at {path}.",
            hint="Make one with `firstsight enroll PHOTO --name NAME`.",
        )
    return open_store(path)


def open_recognizer(gallery: Path | None, model: str | None, *, new: bool = False) -> Recognizer:
    """The gallery together with its model.

    Args:
        gallery: as the option has it.
        model: as the option has it.
        new: whether the gallery may be made.
    """
    path = gallery_path(gallery)
    if model is None and (path.exists() or not new):
        store = open_gallery(gallery)
        model = store.contract.model
        store.close()
    from firstsight.models import DEFAULT
    from firstsight.recognizer import Recognizer

    if new:
        _make_folder(path.parent)
    return Recognizer(path, model=model or DEFAULT)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GalleryUnavailable(
            f"The folder {folder} cannot be made ({error.strerror}).",
            hint="Name another gallery with --gallery.",
        ) from error
