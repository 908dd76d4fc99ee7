"""What the recognizer answers. Plain data: every similarity comes with the threshold it was held to."""

from __future__ import annotations

from dataclasses import dataclass

from firstsight.faces import Box
from firstsight.faces.quality import Quality


@dataclass(frozen=True, slots=True)
class Candidate:
    """One person of the gallery, by their best-scoring photo."""

    person: str
    person_id: int
    """Their number, which stays when they are renamed."""
    similarity: float
    """Cosine, -1 to 1."""
    likelihood_ratio: float
    """How many times likelier this similarity is for two photos of one person than of two people."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One face in a photo, and who it is."""

    box: Box
    best: Candidate | None
    """The most similar person, whether similar enough or not; None only in an empty gallery."""
    runner_up: Candidate | None
    """The second most similar person."""
    threshold: float
    """The similarity from which on the best person is named."""
    quality: Quality

    @property
    def person(self) -> str | None:
        """Name of the person, or None for a stranger."""
        known = self.best is not None and self.best.similarity >= self.threshold
        return self.best.person if known and self.best else None

    @property
    def similarity(self) -> float | None:
        """Similarity to the most similar person; None in an empty gallery."""
        return self.best.similarity if self.best else None

    @property
    def margin(self) -> float | None:
        """How far the best person is ahead of the runner-up; None without one."""
        return self.best.similarity - self.runner_up.similarity if self.best and self.runner_up else None


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether two photos show the same person."""

    similarity: float
    threshold: float
    fmr: float
    """The false match rate that the threshold stands for."""
    likelihood_ratio: float

    @property
    def same(self) -> bool:
        """Similar enough to be the same person at that false match rate."""
        return self.similarity >= self.threshold


@dataclass(frozen=True, slots=True)
class Classification:
    """A probe's similarity to each person of a support set, the most similar first."""

    probe: str
    ranking: tuple[tuple[str, float], ...]

    @property
    def person(self) -> str:
        """The most similar one; a support set knows no strangers."""
        return self.ranking[0][0]
