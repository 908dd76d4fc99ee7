"""Many people at once: a folder with one sub-folder, or one file, for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from firstsight.datasets import PICTURES
from firstsight.errors import FaceError, FirstsightError, ImageError, InvalidName, UsageError
from firstsight.gallery.names import checked_name
from firstsight.recognizer.recognizer import Recognizer


@dataclass(frozen=True, slots=True)
class FolderPhoto:
    """One photo of a folder."""

    path: Path
    person: str
    """The sub-folder's name, or the file's without its ending."""
    label: str
    """The path inside the folder, with forward slashes: the source that the template will carry."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What holds for everybody of an import; see ``Recognizer.enroll``."""

    consent: str | None = None
    retain_until: date | None = None
    notes: str | None = None
    keep_crops: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo."""

    photo: FolderPhoto
    enrolled: bool
    """False when it was enrolled before, or refused."""
    error: FirstsightError | None = None


def find_photos(folder: Path) -> list[FolderPhoto]:
    """The photos of a folder, person by person.

    Raises:
        UsageError: it is no folder, cannot be read, or holds no pictures.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", hint="Name one with a sub-folder for each person.")
    found = []
    try:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.suffix.lower() in PICTURES and path.is_file() and not hidden:
                person = inside.parts[0] if len(inside.parts) > 1 else path.stem
                found.append(FolderPhoto(path, person, inside.as_posix()))
    except OSError as error:
        raise UsageError(f"{folder} cannot be read ({error}).", hint="Check its permissions.") from error
    if not found:
        raise UsageError(
            f"{folder} holds no pictures.",
            hint="Put each person's photos into a sub-folder, or name each file after its person.",
        )
    return found


def support_set(folder: Path) -> dict[str, Path]:
    """One photo of each of C people.

    Raises:
        UsageError: it is no such folder, or a person has several photos.
    """
    people: dict[str, Path] = {}
    for photo in find_photos(folder):
        if photo.person in people:
            raise UsageError(
                f"{folder} has more than one photo of {photo.person}.",
                hint="A support set has one picture of each person.",
            )
        people[photo.person] = photo.path
    return people


def import_photos(
    recognizer: Recognizer, photos: Sequence[FolderPhoto], choices: Choices
) -> Iterator[Outcome]:
    """Enrol photo by photo, each in a transaction of its own.

    What is refused does not stop the others. A photo that its person already has is passed over, so that
    an interrupted import goes on where it stopped.

    Raises:
        GalleryError: the gallery itself; what was yielded before is kept.
    """
    store = recognizer.store
    sources = {
        person.name: {template.source for template in store.templates(person.name)}
        for person in store.people()
    }
    for photo in photos:
        try:
            name = checked_name(photo.person)
            if photo.label in sources.get(name, ()):
                yield Outcome(photo, enrolled=False)
                continue
            recognizer.enroll(
                name,
                photo.path,
                consent=choices.consent,
                retain_until=choices.retain_until,
                notes=choices.notes,
                keep_crops=choices.keep_crops,
                force=choices.force,
                source=photo.label,
            )
            yield Outcome(photo, enrolled=True)
        except (ImageError, FaceError, InvalidName) as error:
            yield Outcome(photo, enrolled=False, error=error)
