"""What the service allows, all of it before any work is done."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from firstsight.errors import UsageError
from firstsight.images import Limits

MEBIBYTE = 2**20
SLOWEST = 0.001
"""Requests a second: one in a thousand seconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the service.

    Raises:
        UsageError: one of them is not above zero, or so small that nothing would be allowed.
    """

    photo: Limits = field(default_factory=lambda: Limits(bytes=16 * MEBIBYTE, pixels=50_000_000))
    """Of one photo; pixels are read from its header, before it is decoded."""
    parts: int = 20
    """Photos in one enrolment."""
    form_bytes: int = 64 * MEBIBYTE
    """Of all photos of one request together."""
    upload_bytes: int = 256 * MEBIBYTE
    """Of the photos of all requests that are being read or answered. Beyond that it says 503."""
    archive_bytes: int = 256 * MEBIBYTE
    """Of a zip to import, which is held in memory."""
    import_bytes: int = 512 * MEBIBYTE
    """Of all zips that are being read or imported. Beyond that it says 503."""
    archive_photos: int = 10_000
    faces: int = 50
    """In one photo."""
    workers: int = 2
    """Photos that are decoded and searched for faces at the same time."""
    waiting: int = 8
    """Photos that may be in work or wait, which is the service's capacity: as many as keep the slowest
    answer within four times the usual one on two cores. Beyond that it says 503."""
    batch: int = 16
    """Faces that are embedded together, whoever sent them."""
    deadline: float = 30.0
    """Seconds that a request may take."""
    rate: float = 50.0
    """Requests a second that one key may make in the long run."""
    burst: int = 200
    """Requests that one key may make at once."""
    jobs: int = 20
    """Imports that are remembered."""
    sweep: float = 3600.0
    """Seconds from one look for people whose day of retention has passed to the next."""
    remembered: float = 24 * 3600.0
    """Seconds after which an Idempotency-Key, and what was answered, is forgotten."""

    def __post_init__(self) -> None:
        numbers = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "photo"}
        numbers |= {"photo.bytes": self.photo.bytes, "photo.pixels": self.photo.pixels}
        for name, value in numbers.items():
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} is {value}.", hint="Give a number above zero.")
        if self.rate < SLOWEST:
            raise UsageError(f"rate is {self.rate}.", hint=f"Allow {SLOWEST} requests a second, or more.")
        if self.burst < 1:
            raise UsageError(f"burst is {self.burst}.", hint="Allow one request at once, or more.")
