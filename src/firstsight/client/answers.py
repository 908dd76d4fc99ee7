"""The service's answers, as the records that a recognizer gives.

Every reader raises ``LookupError``, ``TypeError``, ``ValueError`` or ``OverflowError`` for what is not such
an answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from firstsight.faces import Box
from firstsight.faces.quality import Measures, Quality
from firstsight.gallery.records import Person, Receipt
from firstsight.recognizer.answers import Candidate, Sighting, Verification

UNTOLD: Final = Measures(math.nan, math.nan, math.nan, math.nan)
"""The service tells the score and the reasons, not what was measured."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the people."""

    people: tuple[Person, ...]
    following: str | None
    """Where the next page begins; None after the last."""


def person(values: Any) -> Person:
    """Somebody in the gallery."""
    until = values["retain_until"]
    return Person(
        id=int(values["id"]),
        name=str(values["name"]),
        created=datetime.fromisoformat(values["created"]),
        consent=_noted(values["consent"]),
        retain_until=None if until is None else date.fromisoformat(until),
        notes=_noted(values["notes"]),
        templates=int(values["templates"]),
    )


def _noted(value: Any) -> str:
    """What is noted of a person; nothing where the key may not read it."""
    return "" if value is None else str(value)


def page(values: Any) -> Page:
    """A page of people."""
    following = values["next"]
    return Page(tuple(map(person, values["people"])), None if following is None else str(following))


def receipt(values: Any) -> Receipt:
    """What was removed."""
    return Receipt(
        person=str(values["person"]),
        person_id=int(values["person_id"]),
        templates=int(values["templates"]),
        crops=int(values["crops"]),
        erased=datetime.fromisoformat(values["erased"]),
        cleared=values["cleared"] is True,
    )


def boxes(values: Any) -> tuple[Box, ...]:
    """Rectangles of faces."""
    return tuple(map(_box, values))


def sightings(values: Any) -> list[Sighting]:
    """Every face of a photo."""
    return [_sighting(face) for face in values["faces"]]


def verification(values: Any) -> Verification:
    """Whether two photos show the same person."""
    similarity = float(values["similarity"])
    found = Verification(
        similarity=similarity,
        threshold=_threshold(values, similarity, passed=values["same"] is True),
        fmr=float(values["fmr"]),
        likelihood_ratio=float(values["likelihood_ratio"]),
    )
    _agree(values["same"], found.same)
    return found


def _sighting(values: Any) -> Sighting:
    quality, best = values["quality"], _candidate(values["best"])
    similarity = best.similarity if best else None
    found = Sighting(
        box=_box(values["box"]),
        best=best,
        runner_up=_candidate(values["runner_up"]),
        threshold=_threshold(values, similarity, passed=values["person"] is not None),
        quality=Quality(UNTOLD, float(quality["score"]), tuple(map(str, quality["reasons"]))),
    )
    _agree(values["person"], found.person)
    return found


def _box(values: Any) -> Box:
    return Box(*(float(values[side]) for side in ("left", "top", "width", "height")))


def _candidate(values: Any) -> Candidate | None:
    if values is None:
        return None
    return Candidate(
        person=str(values["person"]),
        person_id=int(values["person_id"]),
        similarity=float(values["similarity"]),
        likelihood_ratio=float(values["likelihood_ratio"]),
    )


def _threshold(values: Any, similarity: float | None, *, passed: bool) -> float:
    """The threshold, with which the figures decide as the service did.

    It rounds them: a similarity just below the threshold may be told as equal to it.
    """
    threshold = float(values["threshold"])
    return math.nextafter(threshold, math.inf) if similarity == threshold and not passed else threshold


def _agree(told: object, found: object) -> None:
    """Nobody is named whom the service did not name."""
    if told != found:
        raise ValueError(f"the service decides {told!r}, its figures {found!r}")
