"""Answers as plain fields for JSON. Their names are stable; the command line and the service share them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firstsight.errors import FirstsightError, SeveralFaces
from firstsight.gallery import Person, Receipt, Template

if TYPE_CHECKING:
    from firstsight.faces import Box, Face
    from firstsight.faces.quality import Quality
    from firstsight.recognizer import Candidate, Sighting, Verification

Fields = dict[str, Any]


def person(found: Person) -> Fields:
    """Somebody in the gallery."""
    return {
        "id": found.id,
        "name": found.name,
        "created": found.created,
        "templates": found.templates,
        "consent": found.consent,
        "retain_until": found.retain_until,
        "notes": found.notes,
    }


def template(found: Template) -> Fields:
    """A photo that somebody is known by."""
    return {
        "id": found.id,
        "source": found.source,
        "created": found.created,
        "quality": rounded(found.quality),
        "crop_kept": found.has_crop,
    }


def receipt(found: Receipt) -> Fields:
    """What was removed."""
    return {
        "person": found.person,
        "person_id": found.person_id,
        "templates": found.templates,
        "crops": found.crops,
        "erased": found.erased,
        "cleared": found.cleared,
    }


def box(found: Box) -> Fields:
    """A rectangle in pixels of the upright photo."""
    sides = ("left", "top", "width", "height")
    return {side: round(getattr(found, side), 1) for side in sides}


def candidate(found: Candidate | None) -> Fields | None:
    """One person of the gallery and how alike they are."""
    if found is None:
        return None
    return {
        "person": found.person,
        "person_id": found.person_id,
        "similarity": rounded(found.similarity),
        "likelihood_ratio": rounded(found.likelihood_ratio),
    }


def quality(found: Quality) -> Fields:
    """How well a face can be known again."""
    return {"score": rounded(found.score), "reasons": list(found.reasons)}


def face(found: Face, judged: Quality) -> Fields:
    """A face, whoever it is."""
    return {
        "box": box(found.box),
        "landmarks": [[round(float(x), 1), round(float(y), 1)] for x, y in found.landmarks],
        "confidence": rounded(found.confidence),
        "quality": quality(judged),
    }


def sighting(found: Sighting) -> Fields:
    """One face in a photo."""
    return {
        "box": box(found.box),
        "person": found.person,
        "person_id": found.best.person_id if found.best and found.person is not None else None,
        "similarity": rounded(found.similarity),
        "threshold": rounded(found.threshold),
        "margin": rounded(found.margin),
        "best": candidate(found.best),
        "runner_up": candidate(found.runner_up),
        "quality": quality(found.quality),
    }


def verification(found: Verification) -> Fields:
    """Whether two photos show the same person."""
    return {
        "same": found.same,
        "similarity": rounded(found.similarity),
        "threshold": rounded(found.threshold),
        "fmr": found.fmr,
        "likelihood_ratio": rounded(found.likelihood_ratio),
    }


def error(found: FirstsightError) -> Fields:
    """What happened, for a machine and for people."""
    told: Fields = {"code": found.code, "message": found.message, "hint": found.hint}
    if isinstance(found, SeveralFaces) and found.boxes:
        told["boxes"] = [box(one) for one in found.boxes]
    return told


def rounded(value: float | None) -> float | None:
    """Six significant digits are plenty in JSON."""
    return None if value is None else float(f"{value:.6g}")
