"""What the finished pictures are like to each other and to the photos that they were made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstsight.recognizer import Encoder

Templates = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines of SFace."""

    lowest_of_views: float
    """Between two pictures of the composite."""
    highest_source: float
    """Between the composite's mean and the mean of one person whom it was made from."""
    sources_matched: float
    """Share of (picture, source photo) pairs at or above the threshold."""


def templates(encoder: Encoder, pictures: list[NDArray[np.uint8]]) -> Templates | None:
    """One template for each picture, or None when one has not exactly one face."""
    found = [encoder.faces(picture) for picture in pictures]
    if any(len(faces) != 1 for faces in found):
        return None
    return np.stack([faces[0].embedding for faces in found])


def likeness(views: Templates, sources: list[Templates], threshold: float) -> Likeness:
    """Hold a composite's pictures against each other and against its sources' photos."""
    alike = views @ views.T
    whole = views.mean(0) / np.linalg.norm(views.mean(0))
    means = [source.mean(0) / np.linalg.norm(source.mean(0)) for source in sources]
    matched = (views @ np.concatenate(sources).T) >= threshold
    return Likeness(
        lowest_of_views=float(alike[np.triu_indices(len(views), 1)].min()),
        highest_source=float(max(whole @ mean for mean in means)),
        sources_matched=float(matched.mean()),
    )


def between(people: dict[str, Templates]) -> dict[str, float | str]:
    """The most alike pictures of two different composites."""
    worst, who = -1.0, ""
    names = list(people)
    for place, left in enumerate(names):
        for right in names[place + 1 :]:
            highest = float((people[left] @ people[right].T).max())
            if highest > worst:
                worst, who = highest, f"{left}, {right}"
    return {"highest": worst, "who": who}
