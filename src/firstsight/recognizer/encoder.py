"""From a photo to templates: decode, find the faces, align them, embed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import ImageError, NoFace, SeveralFaces
from firstsight.faces import Box, Detector, Face
from firstsight.faces.quality import UNJUDGED, Quality, assess
from firstsight.images import DEFAULT_LIMITS, Limits, Source, read_image
from firstsight.models import DEFAULT, Model, open_model


@dataclass(frozen=True, slots=True, eq=False)
class EncodedFace:
    """A face and its template."""

    picture: NDArray[np.uint8] = field(repr=False)
    """The whole upright photo, (H, W, 3)."""
    face: Face
    embedding: NDArray[np.float32] = field(repr=False)
    """(D,) of unit length."""

    def quality(self) -> Quality:
        """How well the face can be known again."""
        return assess(self.picture, self.face) if len(self.face.landmarks) else UNJUDGED

    def judged(self) -> JudgedFace:
        """The face without the photo."""
        return JudgedFace(self.face.box, self.embedding, self.quality())


@dataclass(frozen=True, slots=True, eq=False)
class JudgedFace:
    """What is needed of a face to say whose it is: its photo need not be held meanwhile."""

    box: Box
    embedding: NDArray[np.float32] = field(repr=False)
    """(D,) of unit length."""
    quality: Quality


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """The faces of a photo, before they are embedded."""

    picture: NDArray[np.uint8] = field(repr=False)
    """The whole upright photo, (H, W, 3)."""
    faces: tuple[Face, ...]
    crops: NDArray[np.uint8] = field(repr=False)
    """(N, S, S, C): what the model sees of each."""

    def largest(self, count: int) -> FoundFaces:
        """The largest faces only, in their order from left to right."""
        areas = [face.box.width * face.box.height for face in self.faces]
        kept = np.sort(np.argsort(areas, kind="stable")[::-1][:count])
        return FoundFaces(self.picture, tuple(self.faces[place] for place in kept), self.crops[kept])

    def encoded(self, embeddings: NDArray[np.float32]) -> list[EncodedFace]:
        """The faces with their templates, (N, D)."""
        pairs = zip(self.faces, embeddings, strict=True)
        return [EncodedFace(self.picture, face, embedding) for face, embedding in pairs]


class Encoder:
    """A detector and a model. Immutable, and safe to share between threads."""

    def __init__(self, model: str | Path | Model = DEFAULT, *, detector: Detector | None = None) -> None:
        """Open the model.

        Raises:
            UnknownModel, ModelMissing, ModelDamaged: the model or the detector.
        """
        self.model = open_model(model) if isinstance(model, str | Path) else model
        self.detector = detector or Detector()

    def find(self, photo: Source, *, limits: Limits = DEFAULT_LIMITS) -> FoundFaces:
        """Every face in a photo, from left to right; the whole picture, for a model of whole pictures.

        Raises:
            ImageError: the photo cannot be read.
        """
        picture = read_image(photo, limits=limits)
        faces = self.detector.detect(picture) if self.model.preprocessing.points else [_whole(picture)]
        return FoundFaces(picture, tuple(faces), self.crops(picture, [face.landmarks for face in faces]))

    def faces(self, photo: Source) -> list[EncodedFace]:
        """Every face in a photo with its template, from left to right.

        Raises:
            ImageError: the photo cannot be read.
        """
        found = self.find(photo)
        return found.encoded(self.model.embed(found.crops))

    def only_face(self, photo: Source, called: str | None = None) -> EncodedFace:
        """The one face in a photo.

        Args:
            photo: the picture.
            called: what to call it in messages, instead of ``label``.

        Raises:
            ImageError: the photo cannot be read.
            NoFace, SeveralFaces: there is none, or more than one.
        """
        name = called or label(photo)
        try:
            faces = self.faces(photo)
        except ImageError as error:
            if isinstance(photo, str | Path) or name == label(photo):
                raise
            # The decoder knows no more of it than that it is a picture.
            raise type(error)(f"{name[0].upper()}{name[1:]}: {error.message}", hint=error.hint) from error
        return the_only(faces, name)

    def embed(self, picture: NDArray[np.uint8], landmarks: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Templates of the faces with those landmarks: (N, D) float32, rows of unit length."""
        return self.model.embed(self.crops(picture, landmarks))

    def crops(self, picture: NDArray[np.uint8], landmarks: list[NDArray[np.float32]]) -> NDArray[np.uint8]:
        """What the model sees of those faces: (N, S, S, C) uint8."""
        wanted = self.model.preprocessing
        crops = np.empty((len(landmarks), wanted.size, wanted.size, wanted.channels), dtype=np.uint8)
        for row, points in enumerate(landmarks):
            crops[row] = wanted.crop(picture, points if len(points) else None)
        return crops


def the_only(faces: Sequence[EncodedFace], name: str) -> EncodedFace:
    """The one face of a photo of that name.

    Raises:
        NoFace, SeveralFaces: there is none, or more than one.
    """
    if not faces:
        raise NoFace(
            f"No face was found in {name}.",
            hint="Use a photo in which the whole face can be seen from the front.",
        )
    if len(faces) > 1:
        boxes = [encoded.face.box for encoded in faces]
        places = "; ".join(
            f"{box.width:.0f} x {box.height:.0f} px at ({box.left:.0f}, {box.top:.0f})" for box in boxes
        )
        several = SeveralFaces(
            f"{len(faces)} faces were found in {name}.",
            hint="Crop the photo so that it shows one person.",
            boxes=boxes,
        )
        # Beside the message, which is read on a telephone as well.
        several.add_note(f"The faces: {places}.")
        raise several
    return faces[0]


def _whole(picture: NDArray[np.uint8]) -> Face:
    """The whole picture in the place of a face."""
    height, width = picture.shape[:2]
    return Face(Box(0.0, 0.0, float(width), float(height)), np.empty((0, 2), np.float32), 1.0)


def label(photo: Source, place: int = 1, count: int = 1) -> str:
    """What to call a photo in messages and as the source of a template: its file's name.

    Args:
        photo: the picture.
        place: which of several it is, from 1 on; told of those that have no name.
        count: how many there are.
    """
    if isinstance(photo, str | Path):
        return Path(photo).name
    return "the picture" if count == 1 else f"picture {place} of {count}"
