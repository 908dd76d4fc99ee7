"""What a gallery holds, as plain data; what shows a face stays out of what is printed, as into a log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Contract:
    """What made the templates; those of another contract cannot be compared with them."""

    model: str
    digest: str
    """SHA-256 of the model's weights."""
    preprocessing: str
    """Version of its preprocessing."""
    dimension: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the gallery."""

    id: int
    name: str
    created: datetime
    """UTC."""
    consent: str
    """How the person agreed; empty when nothing was noted."""
    retain_until: date | None
    """The day after which they are to be erased."""
    notes: str
    templates: int
    """How many photos they are known by."""


@dataclass(frozen=True, slots=True)
class Template:
    """What is known of one photo of a person, without its embedding."""

    id: int
    person: str
    created: datetime
    """UTC."""
    source: str
    """Where it came from, usually a file's name."""
    quality: float
    """0 to 1, as it was judged at enrolment."""
    has_crop: bool


@dataclass(frozen=True, slots=True, eq=False)
class NewTemplate:
    """A photo to be added to a person."""

    embedding: NDArray[np.float32] = field(repr=False)
    """(D,) of unit length, unless the model compares by other than inner products."""
    source: str = ""
    quality: float = 1.0
    crop: bytes | None = field(default=None, repr=False)
    """An encoded picture of the face, if the user wants it kept."""


@dataclass(frozen=True, slots=True)
class KeptCrop:
    """A template's crop, if one was kept, with what else is needed to embed it anew."""

    template_id: int
    person: str
    source: str
    crop: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a photo's move from one person to another."""

    person: Person
    """Who has it now."""
    source: str
    """Name of who had it."""
    source_id: int
    """Their number."""
    source_removed: bool
    """Whether that person was removed, with their notes, because it was their last photo."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was removed."""

    person: str
    person_id: int
    templates: int
    crops: int
    erased: datetime
    """UTC."""
    cleared: bool
    """Whether no trace of it is left in the gallery's own files; what a server keeps besides (its log,
    its replicas and backups) is told by its engine. If not, because the gallery is large, another
    process was reading or the disk was full, its closing, the next change or the next opening sees
    to it, or ``Store.clear``."""


@dataclass(frozen=True, slots=True)
class Match:
    """A person of the gallery, by their best-scoring template."""

    person: str
    person_id: int
    template_id: int
    similarity: float
