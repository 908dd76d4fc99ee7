"""Options that several commands share, and the gallery and model that they name."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer

from firstsight.errors import GalleryMissing, GalleryUnavailable, UnknownModel, UsageError
from firstsight.gallery import Contract, Store, open_store
from firstsight.gallery.opening import placed, shown

if TYPE_CHECKING:
    from firstsight.recognizer import Recognizer

Gallery = Annotated[
    str | None,
    typer.Option(
        "--gallery",
        envvar="FIRSTSIGHT_GALLERY",
        metavar="PLACE",
        help="Gallery to use: a file, or an address on a server; by default a file in your data folder.",
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
AnyModel = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Model; by default the first that `models` lists."),
]
"""For commands that use no gallery."""
Json = Annotated[bool, typer.Option("--json", help="Answer with JSON (fields: docs/cli.md).")]
Force = Annotated[bool, typer.Option("--force", help="Enrol a face of poor quality all the same.")]
KeepCrops = Annotated[
    bool,
    typer.Option("--keep-crops", help="Keep an aligned crop of each face, for `reembed` later."),
]
LastDay = Annotated[
    datetime | None,
    typer.Option(
        "--retain-until",
        formats=["%Y-%m-%d"],
        help="Last day to keep them, today or later; `serve` erases by it.",
    ),
]
Mirrored = Annotated[
    bool, typer.Option("--mirrored", help="Embed each picture and its mirror image, and add them.")
]
Shifted = Annotated[
    int,
    typer.Option(
        "--shifted",
        metavar="PIXELS",
        min=0,
        help="Embed each picture also moved by so many pixels to each of the four sides, and add all.",
    ),
]


def last_day(given: datetime | None) -> date | None:
    """The day of the option.

    Raises:
        UsageError: it has passed: a slip of the keyboard would have somebody erased.
    """
    from firstsight.service.days import to_come

    try:
        return to_come(given.date()) if given else None
    except ValueError as error:
        raise UsageError(f"--retain-until cannot be meant ({error}).", hint="Give a later day.") from error


def gallery_path(gallery: str | None) -> str:
    """The gallery that was named, or the user's own.

    Raises:
        UsageError: there can be none of that name.
    """
    return placed(gallery) if gallery else str(platformdirs.user_data_path("firstsight") / "people.db")


def gallery_shown(gallery: str | None) -> str:
    """The same as it may be shown, without a password."""
    return shown(gallery_path(gallery))


def open_gallery(gallery: str | None) -> Store:
    """An existing gallery for listing and editing; no model is loaded."""
    place = gallery_path(gallery)
    # What a server holds is for the server to say.
    if "://" not in place and not gallery_file(place).exists():
        raise GalleryMissing(
            f"There is no gallery at {place}.",
            hint="Make one with `firstsight enroll PHOTO --name NAME`.",
        )
    return open_store(place)


def gallery_file(place: str) -> Path:
    """The path of a gallery that is a file, or could become one.

    Raises:
        GalleryUnavailable: no file can be there.
    """
    path = Path(place)
    try:
        why = "it is a folder" if path.is_dir() else ""
    except OSError as error:  # such as a name that is too long
        why = error.strerror or str(error)
    if why:
        raise GalleryUnavailable(
            f"There can be no gallery at {place} ({why}).", hint="Name a file with --gallery."
        )
    return path


def open_recognizer(
    gallery: str | None, model: str | None, *, new: bool = False, late: bool = False
) -> Recognizer:
    """The gallery together with its model.

    Args:
        gallery: as the option has it.
        model: as the option has it.
        new: whether the gallery may be made.
        late: make a new one only when it is first needed. Otherwise what is refused would leave an empty
            gallery, perhaps of another model or without the key that was meant.
    """
    place, missing = gallery_path(gallery), False
    try:
        with closing(open_gallery(gallery)) as store:
            model = model or _known(store.contract, shown(place))
    except GalleryMissing:
        if not new:
            raise
        missing = True
        if "://" not in place and not late:
            make_folder(Path(place).parent)
    from firstsight.models import DEFAULT
    from firstsight.recognizer import Recognizer

    return Recognizer(place, model=model or DEFAULT, late=late and missing)


def _known(contract: Contract, place: str) -> str:
    """The model that a gallery asks for, if it is one of those that are known by name.

    A model file may bear the name of one of them: an exported one keeps it, and so does a twin that was
    trained by a recipe that ships.
    """
    from firstsight.models import find_model

    try:
        same = find_model(contract.model).digest == contract.digest
    except UnknownModel:
        same = False
    if not same:
        raise UnknownModel(
            f"The gallery {place} was made with a model file called {contract.model}.",
            hint="Name the file: --model PATH.",
        )
    return contract.model


def make_folder(folder: Path) -> None:
    """Make a folder that a gallery, or what belongs to it, is to lie in.

    Raises:
        GalleryUnavailable: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GalleryUnavailable(
            f"The folder {folder} cannot be made ({error.strerror}).",
            hint="Name another gallery with --gallery.",
        ) from error
