"""A gallery moved to another model: from the crops that were kept, or from the photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import FaceError, ImageError, UsageError
from firstsight.faces.kept import kept_landmarks
from firstsight.gallery import KeptCrop, open_store
from firstsight.images import read_image
from firstsight.recognizer.encoder import Encoder
from firstsight.recognizer.recognizer import contract, similarity


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

    embeddings: Mapping[int, NDArray[np.float32]]
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
            template's source, or under the person's name and that.
        progress: called after each template with the number done and in all.

    Raises:
        UsageError: ``photos`` is no folder.
        GalleryError: the gallery.
    """
    if photos is not None and not photos.is_dir():
        raise UsageError(f"{photos} is no folder.", hint="Name the folder of the enrolled photos.")
    embeddings: dict[int, NDArray[np.float32]] = {}
    lost: list[Lost] = []
    store = open_store(gallery)
    try:
        names = {person.name for person in store.people() if person.templates}
        count = store.count_templates()
        for done, kept in enumerate(store.crops(), start=1):
            try:
                embeddings[kept.template_id] = _embed(encoder, kept, photos)
                names.discard(kept.person)
            except (ImageError, FaceError, UsageError) as error:
                lost.append(Lost(kept.template_id, kept.person, kept.source, error.message.rstrip(".")))
            if progress:
                progress(done, count)
    finally:
        store.close()
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


def _embed(encoder: Encoder, kept: KeptCrop, photos: Path | None) -> NDArray[np.float32]:
    if kept.crop is not None:
        picture = read_image(kept.crop)
        (row,) = encoder.embed(picture, [kept_landmarks(kept.crop)])
        return np.asarray(row, np.float32)
    if photos is None:
        raise UsageError("no crop was kept")
    for place in (photos / kept.source, photos / kept.person / kept.source):
        if kept.source and place.is_file():
            return encoder.only_face(place).embedding
    raise UsageError(f"no crop was kept, and no photo is in {photos}")
