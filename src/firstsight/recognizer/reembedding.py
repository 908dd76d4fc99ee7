"""A gallery moved to another model: from the crops that were kept, or from the photos."""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import FaceError, ImageError, UsageError
from firstsight.faces.kept import kept_landmarks
from firstsight.gallery import KeptCrop, open_store
from firstsight.images import read_image
from firstsight.recognizer.encoder import Encoder
from firstsight.recognizer.recognizer import contract, similarity

_File = tuple[int, int]
"""A file's device and its number there."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A photo that cannot be embedded anew."""

    template_id: int
    person: str
    source: str
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What moving a gallery would do."""

    embeddings: Mapping[int, NDArray[np.float32]] = field(repr=False)
    """(D,) by template."""
    lost: tuple[Lost, ...]
    people_left: tuple[str, ...]
    """Who would be left without any photo, to be enrolled again."""


def embed_anew(
    gallery: str | Path,
    encoder: Encoder,
    photos: Path | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Embed everybody of a gallery with another model; nothing is written.

    Args:
        gallery: the gallery.
        encoder: holds the model to move to.
        photos: folder with the photos of which no crop was kept, as they were enrolled: under the
            person's name and the template's source, or under that alone where it is nobody else's.
        progress: called after each template with the number done and in all.

    Raises:
        UsageError: ``photos`` is no folder, or the model sees whole pictures and a crop of a face was kept.
        GalleryError: the gallery.
    """
    if photos is not None and not photos.is_dir():
        raise UsageError(f"{photos} is no folder.", hint="Name the folder of the enrolled photos.")
    embeddings: dict[int, NDArray[np.float32]] = {}
    lost: list[Lost] = []
    folder = _Folder(photos) if photos is not None else None
    waiting: list[KeptCrop] = []
    store = open_store(gallery)
    try:
        names = {person.name for person in store.people() if person.templates}
        count = store.count_templates()

        def embed(kept: KeptCrop) -> None:
            try:
                embeddings[kept.template_id] = _embed(encoder, kept, folder)
                names.discard(kept.person)
            except (ImageError, FaceError, UsageError) as error:
                lost.append(Lost(kept.template_id, kept.person, kept.source, error.message.rstrip(".")))
            if progress:
                progress(len(embeddings) + len(lost), count)

        for kept in store.crops():
            if folder is not None:
                folder.note(kept)
            if kept.crop is None:
                waiting.append(kept)
            elif not encoder.model.preprocessing.points:
                raise UsageError(
                    f"The model {encoder.model.name} sees whole pictures, and of {kept.person} a crop of the "
                    "face was kept.",
                    hint="Name a model of faces; `firstsight models` lists them.",
                )
            else:
                embed(kept)
    finally:
        store.close()
    # Only once everybody was seen: whose a photo is depends on who else has one of its name.
    for kept in waiting:
        embed(kept)
    lost.sort(key=lambda each: each.template_id)
    return Plan(embeddings, tuple(lost), tuple(sorted(names)))


def move(gallery: str | Path, encoder: Encoder, plan: Plan) -> list[str]:
    """Carry out a plan, in one transaction; what it lost is removed, and nothing else.

    Returns:
        Names of the people who are left without a photo.

    Raises:
        UsageError: somebody was enrolled since the plan was made.
        GalleryError: the gallery.
    """
    # Of the new model, which says what its embeddings have to be like.
    store = open_store(gallery, similarity=similarity(encoder.model))
    try:
        dropped = {lost.template_id for lost in plan.lost}
        return store.replace_all(contract(encoder.model), plan.embeddings, dropped)
    finally:
        store.close()


class _Folder:
    """A folder of photos, which tells whose a photo is, or that it cannot be told.

    Two people may each have a photo called 1.jpg; one such file is then of either of them, and to take it
    for both would give one the other's face. That holds also where one of the two has a kept crop.
    """

    def __init__(self, photos: Path) -> None:
        self._photos = photos
        self._people: defaultdict[_File, set[str]] = defaultdict(set)
        """Who may be on a file."""

    def note(self, kept: KeptCrop) -> None:
        """Remember whose photo a file may be."""
        for _, file in self._found(kept):
            self._people[file].add(kept.person)

    def photo(self, kept: KeptCrop) -> Path:
        """The photo of a template, after all templates were noted.

        Raises:
            UsageError: there is none, or it may be somebody else's.
        """
        for place, file in self._found(kept):
            if (count := len(self._people[file])) > 1:
                raise UsageError(
                    f"no crop was kept, and {place} may be the photo of any of {count} people; "
                    f"what lies in {self._photos / kept.person} is taken for {kept.person}'s"
                )
            return place
        raise UsageError(f"no crop was kept, and no photo is in {self._photos}")

    def _found(self, kept: KeptCrop) -> list[tuple[Path, _File]]:
        """Where the photo may be, the person's own folder first; never outside of ours.

        Whoever uploaded a photo chose what it is called. Links within the folder are its owner's.
        """
        if not kept.source:
            return []
        inside = [
            place
            for place in (self._photos / kept.person / kept.source, self._photos / kept.source)
            if place.is_relative_to(self._photos) and ".." not in place.relative_to(self._photos).parts
        ]
        return [(place, file) for place in inside if (file := _file(place))]


def _file(place: Path) -> _File | None:
    """What tells a file from all others, whatever it is called; None when there is none."""
    try:
        found = place.stat()
    except (OSError, ValueError):  # nothing there, or a name that no disk takes
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _embed(encoder: Encoder, kept: KeptCrop, folder: _Folder | None) -> NDArray[np.float32]:
    if kept.crop is not None:
        picture = read_image(kept.crop)
        try:
            landmarks = kept_landmarks(kept.crop)
        except (ValueError, TypeError, OSError) as error:
            # A picture that something else wrote: one crop of many must not end the whole move.
            raise UsageError("the crop that was kept does not say where the face's landmarks lie") from error
        (row,) = encoder.embed(picture, [landmarks])
        return np.asarray(row, np.float32)
    if folder is None:
        raise UsageError("no crop was kept")
    return encoder.only_face(folder.photo(kept)).embedding
