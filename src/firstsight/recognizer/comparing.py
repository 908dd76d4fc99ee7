"""Comparing photos with each other, without a gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from firstsight.errors import UsageError
from firstsight.images import Source
from firstsight.models import Model
from firstsight.recognizer.answers import Classification, Verification
from firstsight.recognizer.encoder import EncodedFace, Encoder, label

FMR: Final = 1e-3
"""False match rate of a verification, unless another is asked for."""


def verify(encoder: Encoder, left: Source, right: Source, *, fmr: float = FMR) -> Verification:
    """Whether two photos, one face in each, show the same person.

    Raises:
        ImageError, NoFace, SeveralFaces: one of the photos.
        NotCalibrated: the model's calibration does not reach that rate.
    """
    # Before the photos: a rate that cannot be had is told at once.
    encoder.model.calibrated().threshold(fmr)
    called: tuple[str | None, str | None] = None, None
    if label(left) == label(right):
        called = "the first photo", "the second photo"
    first, second = encoder.only_face(left, called[0]), encoder.only_face(right, called[1])
    return compare(encoder.model, first, second, fmr=fmr)


def compare(model: Model, left: EncodedFace, right: EncodedFace, *, fmr: float = FMR) -> Verification:
    """Whether two faces that were embedded already are of the same person; see ``verify``."""
    calibration = model.calibrated()
    similarity = float(model.similarity(left.embedding[None], right.embedding[None])[0, 0])
    return Verification(similarity, calibration.threshold(fmr), fmr, calibration.likelihood_ratio(similarity))


def classify(
    encoder: Encoder, probes: Sequence[Source], support: Mapping[str, Source]
) -> list[Classification]:
    """One-shot classification: each probe against one photo of each of C people.

    Koch, Zemel, Salakhutdinov, "Siamese Neural Networks for One-shot Image Recognition" (2015),
    section 4.3: the class of the most similar support picture wins.

    Raises:
        UsageError: an empty support set.
        ImageError, NoFace, SeveralFaces: one of the photos.
    """
    if not support:
        raise UsageError("The support set is empty.", hint="Give one photo of each person.")
    names = list(support)
    shown = [encoder.only_face(support[name], _called(support[name], name)) for name in names]
    known = np.stack([face.embedding for face in shown])
    answers = []
    for place, probe in enumerate(probes, 1):
        called = label(probe, place, len(probes))
        similarities = encoder.model.similarity(encoder.only_face(probe, called).embedding[None], known)[0]
        order = np.argsort(-similarities, kind="stable")
        ranking = tuple((names[place], float(similarities[place])) for place in order)
        answers.append(Classification(called, ranking))
    return answers


def _called(photo: Source, name: str) -> str:
    """A photo of the support set in messages: without a name of its own it is told by whom it shows."""
    return label(photo) if isinstance(photo, str | Path) else f"the picture of {name}"
