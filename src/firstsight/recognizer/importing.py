"""Many people at once: a folder with one sub-folder, or one file, for each."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np

from firstsight.datasets import is_picture
from firstsight.datasets.archive import files_in
from firstsight.errors import FirstsightError, InvalidName, NoSuchPerson, UsageError
from firstsight.gallery import NewTemplate
from firstsight.gallery.copying import everybody
from firstsight.gallery.names import checked_name
from firstsight.gallery.text import storable
from firstsight.recognizer.encoder import Encoder, the_only
from firstsight.recognizer.pipeline import Done, Seen, embed_each
from firstsight.recognizer.recognizer import Recognizer, new_template

BATCH: Final = 64
"""Photos whose templates are kept in one change."""
LONGEST: Final = 1.0
"""Seconds after which fewer are kept, so that little is lost where photos take long."""


@dataclass(frozen=True, slots=True)
class FolderPhoto:
    """One photo of a folder."""

    path: Path
    person: str
    """The first sub-folder's name, or the file's without its ending."""
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


def find_people(folder: Path) -> list[FolderPhoto]:
    """The photos of a folder, person by person, where nobody can be taken for somebody else.

    In a data set a picture is of the folder that it lies in, here of the first one. Where the two differ the
    first may be a person, with a folder for each year, or a team; nothing tells, and a team that is taken for
    one person would make one of all its people.

    Raises:
        UsageError: it is no folder, cannot be read, holds no pictures, or one that may be of either.
    """
    found = find_photos(folder)
    for photo in found:
        innermost = PurePosixPath(photo.label).parent.name
        if innermost not in ("", photo.person):
            raise UsageError(
                f"{folder} holds {photo.label}, and nothing tells whether that is a photo of "
                f"{photo.person!r} or of {innermost!r}.",
                hint=f"If {photo.person!r} is a person, put their photos straight into "
                f"{folder / photo.person}; if it is a group, name that folder instead.",
            )
    return found


def find_photos(folder: Path) -> list[FolderPhoto]:
    """All photos of a folder, however deep they lie; see ``find_people`` for who is to be enrolled.

    Links are followed. What is not there (a link that leads nowhere, a folder that may not be read) is found
    as well, to be refused by name: it may be a photo, or all those of somebody.

    Raises:
        UsageError: it is no folder, cannot be read, or holds no pictures.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", hint="Name one with a sub-folder for each person.")
    try:
        labels = [label for label, there in files_in(folder) if is_picture(label) or not there]
    except OSError as error:
        raise UsageError(f"{folder} cannot be read ({error}).", hint="Check its permissions.") from error
    if not labels:
        raise UsageError(
            f"{folder} holds no pictures.",
            hint="Put each person's photos into a sub-folder, or name each file after its person.",
        )
    return [FolderPhoto(folder / label, _person(label), label) for label in sorted(labels, key=Path)]


def _person(label: str) -> str:
    """The first folder of a photo; of one outside of all folders its own name, without the ending."""
    place = PurePosixPath(label)
    return place.parts[0] if place.parent.name or not is_picture(label) else place.stem


def support_set(folder: Path) -> dict[str, Path]:
    """One photo of each of C people.

    Raises:
        UsageError: it is no such folder, or a person has several photos, or whose one is cannot be told.
    """
    people: dict[str, Path] = {}
    for photo in find_people(folder):
        if photo.person in people:
            raise UsageError(
                f"{folder} has more than one photo of {photo.person}.",
                hint="A support set has one picture of each person.",
            )
        people[photo.person] = photo.path
    return people


def import_photos(
    recognizer: Recognizer,
    photos: Sequence[FolderPhoto],
    choices: Choices,
    *,
    workers: int | None = None,
) -> Generator[Outcome, None, None]:
    """Enrol many photos, several at a time; the gallery then holds what one after the other would have left.

    What is refused does not stop the others. A photo that its person already has is passed over, so that
    an interrupted import goes on where it stopped. Several processes may each import a part of the photos
    into one gallery.

    Args:
        recognizer: with the gallery.
        photos: of one or more people.
        choices: what holds for all of them.
        workers: threads that look at photos; two more than there are cores when None.

    Yields:
        An outcome for each photo, in their order, once it is kept.

    Raises:
        GalleryError: the gallery itself; what was yielded before is kept.
    """
    known = _Known(recognizer)
    model = recognizer.encoder.model

    def named() -> Iterator[_Named]:
        for photo in photos:
            try:
                name = checked_name(photo.person)
            except InvalidName as error:
                yield _Named(photo, error=error)
            else:
                yield _Named(photo, name, known.has(name, photo.label))

    def look(each: _Named) -> Seen[NewTemplate | None]:
        if each.error:
            raise each.error
        if each.held:
            return Seen(None, None)
        return _look(recognizer.encoder, each.photo, choices)

    batch: list[Done[_Named, NewTemplate | None]] = []
    begun = time.monotonic()
    with closing(embed_each(model, named(), look, workers=workers)) as done:
        for each in done:
            batch.append(each)
            if len(batch) >= BATCH or time.monotonic() > begun + LONGEST:
                yield from _kept(recognizer, batch, choices)
                batch, begun = [], time.monotonic()
        yield from _kept(recognizer, batch, choices)


@dataclass(frozen=True, slots=True)
class _Named:
    """A photo, and whose it is to be."""

    photo: FolderPhoto
    name: str = ""
    held: bool = False
    """Whether they have it already."""
    error: InvalidName | None = None


class _Known:
    """Which photos people of a gallery have, asked for person by person as they come."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        # Nobody else need be asked for: most are new where many are imported. A gallery that is still to be
        # made knows nobody, and is not made for asking.
        held = everybody(recognizer.store) if recognizer.opened else ()
        self._people = {person.name for person in held if person.templates}
        self._name, self._sources = "", frozenset[str]()

    def has(self, name: str, source: str) -> bool:
        """Whether the person of that name has a photo of that source."""
        if name not in self._people:
            return False
        if name != self._name:
            try:
                templates = self._recognizer.store.templates(name)
            except NoSuchPerson:  # erased meanwhile
                templates = []
            self._name, self._sources = name, frozenset(template.source for template in templates)
        return storable(source) in self._sources


def _look(encoder: Encoder, photo: FolderPhoto, choices: Choices) -> Seen[NewTemplate | None]:
    """The one face of a photo, judged before it is embedded: the picture need not be kept until then."""
    found = encoder.find(photo.path)
    face = the_only(found.encoded(np.empty((len(found.faces), 0), np.float32)), photo.path.name)
    return Seen(found.crops, new_template(face, photo.label, choices.keep_crops, choices.force))


def _kept(
    recognizer: Recognizer, batch: Sequence[Done[_Named, NewTemplate | None]], choices: Choices
) -> Iterator[Outcome]:
    """Keep what was found in one change, and tell what became of it."""
    new = [
        (each.item.name, [replace(each.kept, embedding=each.embeddings[0])]) for each in batch if each.kept
    ]
    if new:
        recognizer.store.add_each(
            new, consent=choices.consent, retain_until=choices.retain_until, notes=choices.notes
        )
    for each in batch:
        yield Outcome(each.item.photo, enrolled=each.kept is not None, error=each.error)
