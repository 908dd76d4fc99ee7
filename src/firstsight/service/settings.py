"""What the service allows, all of it before any work is done."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from firstsight.errors import UsageError
from firstsight.images import Limits

MEBIBYTE = 2**20
PLACES = 2
"""In the line, for each core: as many as are answered within four times the usual, or little more."""
RUSH = 16
"""The same for a moment: as many as are done within a second, or four when they are large."""
SLOWEST = 0.001
"""Requests a second: one in a thousand seconds."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits of the service; by default for two cores.

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
    decoding_bytes: int = 1024 * MEBIBYTE
    """Of the photos that are being decoded and looked at. Beyond that they wait for each other."""
    archive_photos: int = 10_000
    faces: int = 50
    """In one photo."""
    workers: int = 3
    """Photos that are worked on at the same time."""
    cores: int | None = None
    """Cores that a photo gets while it is the only one, and which several share; None leaves OpenCV's and
    torch's threads as they are, which are the whole process's."""
    waiting: int = 2 * PLACES
    """Photos that may be in work or wait for as long as others go on asking, which is the service's
    capacity: few enough for quick answers. Beyond that it says 503."""
    rush: int = 2 * RUSH
    """Photos that may be in work or wait when they come at once, while the line was empty."""
    rush_seconds: float = 1.0
    """For so long after that."""
    batch: int = 2
    """Faces that are embedded together, whoever sent them, when others wait: SFace gains 4 % of its time by
    it and dlib's model 20, and more of them gain little beyond."""
    deadline: float = 30.0
    """Seconds that a photo may take, and the body of a request; that of a zip see ``patience``."""
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

    def patience(self, count: int) -> float:
        """Seconds that a zip of so many bytes may take to arrive: one for each MiB beside the deadline."""
        return self.deadline + count / MEBIBYTE

    def __post_init__(self) -> None:
        numbers = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "photo"}
        if self.cores is None:
            del numbers["cores"]
        numbers |= {"photo.bytes": self.photo.bytes, "photo.pixels": self.photo.pixels}
        for name, value in numbers.items():
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} is {value}.", hint="Give a number above zero.")
        if self.rate < SLOWEST:
            raise UsageError(f"rate is {self.rate}.", hint=f"Allow {SLOWEST} requests a second, or more.")
        if self.burst < 1:
            raise UsageError(f"burst is {self.burst}.", hint="Allow one request at once, or more.")
