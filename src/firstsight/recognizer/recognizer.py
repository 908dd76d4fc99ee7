"""The five-line API: a gallery of people, and who is in a photo."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from firstsight.errors import PoorQuality, UsageError
from firstsight.faces.kept import keep
from firstsight.gallery import Contract, Match, NewTemplate, Person, Receipt, Store, open_store
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.names import checked_name
from firstsight.gallery.text import day
from firstsight.images import Source
from firstsight.models import DEFAULT, Model
from firstsight.recognizer import comparing
from firstsight.recognizer.answers import Candidate, Sighting, Verification
from firstsight.recognizer.encoder import EncodedFace, Encoder, JudgedFace, label

FPIR: Final = 0.01
"""False positive identification rate: one stranger in a hundred is named, unless asked otherwise."""


class Recognizer:
    """Enrols people from one photo each and knows them again. Safe to share between threads."""

    def __init__(
        self, gallery: str | Path, *, model: str | Path | Model | Encoder = DEFAULT, late: bool = False
    ) -> None:
        """Open a gallery, or make a new one.

        Args:
            gallery: file of the gallery.
            model: name of a model, path of a model file, an opened one, or an encoder that holds one.
            late: open or make the gallery only when it is first needed, so that an enrolment whose photos
                are refused leaves no new one.

        Raises:
            GalleryError: the gallery cannot be opened, or was made with another model; late, that is
                raised where it is first needed.
            ModelError: the model cannot be opened.
        """
        self.encoder = model if isinstance(model, Encoder) else Encoder(model)
        self._gallery = gallery
        self._opening = threading.Lock()
        self._store = None if late else self._open()

    @property
    def store(self) -> Store:
        """The gallery's people and templates."""
        with self._opening:
            if self._store is None:
                self._store = self._open()
            return self._store

    @property
    def opened(self) -> bool:
        """Whether the gallery was opened yet, see ``late``."""
        return self._store is not None

    def enroll(
        self,
        name: str,
        *photos: Source,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        keep_crops: bool = False,
        force: bool = False,
        source: str | None = None,
    ) -> Person:
        """Add a person, or photos to a person: all of them, or none when one is refused.

        Args:
            name: unique in the gallery.
            photos: one or more, each with exactly one face.
            consent: how the person agreed.
            retain_until: the day after which they are to be erased. Noted only: it is ``firstsight serve``
                that erases by it; without one, that is the caller's to do.
            notes: anything else.
            keep_crops: keep a 256 x 256 crop of each face, so that another model can embed it later.
            force: enrol a face of poor quality all the same.
            source: what to call the photos in the gallery; by default each file's name.

        Raises:
            InvalidName: the name.
            UsageError: no photo, a day that is no ``date``, or a note that is no text.
            ImageError, NoFace, SeveralFaces, PoorQuality: one of the photos.
            GalleryError: the gallery.
        """
        if not photos:
            raise UsageError(f"No photo was given of {name}.", hint="Give at least one.")
        name = checked_name(name)
        # Before the photos, which take their time.
        day(retain_until)
        for what, value in (("consent", consent), ("notes", notes), ("source", source)):
            if not isinstance(value, str | None):
                raise UsageError(
                    f"The {what} given of {name} is {type(value).__name__}, not a text.",
                    hint="Give a text, or leave it out.",
                )
        called = [label(photo, place, len(photos)) for place, photo in enumerate(photos, 1)]
        templates = [
            new_template(
                self.encoder.only_face(photo, name_of), source or name_of, keep_crops, force, name_of
            )
            for photo, name_of in zip(photos, called, strict=True)
        ]
        return self.store.add(name, templates, consent=consent, retain_until=retain_until, notes=notes)

    def identify(self, photo: Source, *, fpir: float = FPIR) -> list[Sighting]:
        """Who is in a photo: every face, from left to right.

        Of several photos of a person the best-scoring one counts.

        Args:
            photo: any number of faces.
            fpir: share of strangers who may be named, 0 to 1; with the gallery's size it sets the
                threshold.

        Raises:
            ImageError: the photo cannot be read.
            NotCalibrated: the model's calibration does not reach that rate for so large a gallery.
        """
        # Before the photo: a rate that cannot be had is told at once.
        threshold = self.threshold(fpir)
        return self.sightings([face.judged() for face in self.encoder.faces(photo)], threshold)

    def threshold(self, fpir: float = FPIR) -> float:
        """The similarity from which on somebody is named, for the gallery as large as it is now.

        Raises:
            NotCalibrated: the model's calibration does not reach that rate for so large a gallery.
        """
        count = max(1, self.store.count_templates())
        return self.encoder.model.calibrated().identification_threshold(fpir, count)

    def sightings(self, faces: Sequence[JudgedFace], threshold: float) -> list[Sighting]:
        """Who faces are that were embedded already, by the threshold for a rate; see ``identify``."""
        calibration = self.encoder.model.calibrated()
        if not faces:
            return []

        def candidate(match: Match) -> Candidate:
            ratio = calibration.likelihood_ratio(match.similarity)
            return Candidate(match.person, match.person_id, match.similarity, ratio)

        found = self.store.search(np.stack([face.embedding for face in faces]), 2)
        sightings = []
        for face, matches in zip(faces, found, strict=True):
            best, runner_up, *_ = [*map(candidate, matches), None, None]
            sightings.append(Sighting(face.box, best, runner_up, threshold, face.quality))
        return sightings

    def verify(self, left: Source, right: Source, *, fmr: float = comparing.FMR) -> Verification:
        """Whether two photos show the same person; see ``comparing.verify``."""
        return comparing.verify(self.encoder, left, right, fmr=fmr)

    def erase(self, name: str) -> Receipt:
        """Remove a person and all that was held of them.

        Raises:
            InvalidName: nobody can have that name.
            NoSuchPerson: nobody of that name.
            TypeError: a name that is no text.
        """
        # A store takes numbers as well: a name that was read as one would be somebody else's number.
        return self.store.erase(checked_name(name))

    def people(self) -> list[Person]:
        """Everybody in the gallery, by name."""
        return self.store.people()

    def close(self) -> None:
        """Close the gallery."""
        if self._store is not None:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> Store:
        model = self.encoder.model
        return open_store(self._gallery, contract(model), similarity=similarity(model))


def contract(model: Model) -> Contract:
    """What a gallery must remember of the model that made its templates."""
    return Contract(model.name, model.digest, model.preprocessing.version, model.dimension)


def similarity(model: Model) -> Similarity:
    """How a gallery of that model's templates is searched."""
    # What a cosine head says of templates of unit length; a gallery knows how to search so quickly.
    return inner_product if model.head is None else model.similarity


def new_template(
    encoded: EncodedFace, source: str, keep_crop: bool, force: bool, called: str | None = None
) -> NewTemplate:
    """A template to enrol.

    Args:
        encoded: the face.
        source: what its photo is called in the gallery.
        keep_crop: keep a crop of it.
        force: whatever its quality.
        called: what its photo is called in messages, by default as in the gallery.

    Raises:
        PoorQuality: the face cannot be enrolled from, unless forced.
    """
    quality = encoded.quality()
    if quality.reasons and not force:
        raise PoorQuality(
            f"The face in {called or source} is not good enough to enrol from: {'; '.join(quality.reasons)}.",
            hint="Use a better photo, or force it.",
        )
    if keep_crop and not len(encoded.face.landmarks):
        raise UsageError("Crops are kept of faces; this model sees whole pictures.", hint="Leave it out.")
    crop = keep(encoded.picture, encoded.face.landmarks) if keep_crop else None
    return NewTemplate(encoded.embedding, source=source, quality=quality.score, crop=crop)
