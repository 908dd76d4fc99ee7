"""What is in a data set of one's own, and what is wrong with it: read every picture once and count."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets.archive import Archive
from firstsight.datasets.identities import Identities
from firstsight.errors import ImageError
from firstsight.images import DEFAULT_LIMITS, read_image

PIECE: Final = 64
WORKERS: Final = 2
Progress = Callable[[int, int], None]
"""Called with the number of pictures done and to be done."""
Size = tuple[int, int]
"""Width and height of the upright picture in pixels."""
MAGIC: Final = (
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("WebP", 8, b"WEBP"),
    ("GIF", 0, b"GIF8"),
    ("TIFF", 0, b"II*\x00"),
    ("TIFF", 0, b"MM\x00*"),
    ("AVIF", 4, b"ftypavi"),
    ("BMP", 0, b"BM"),
)
"""Formats by the bytes at a place near their beginning; a file's ending may lie."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Pictures that are the same, in two files or more."""

    pictures: tuple[str, ...]
    """Names in the archive."""
    identities: tuple[str, ...]
    """Whose they are said to be, each once; more than one is a mistake in the data."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found."""

    identities: int
    pictures: int
    fewest: int
    """Pictures of an identity, unreadable ones included; so ``median`` and ``most``."""
    median: float
    most: int
    alone: tuple[str, ...]
    """Identities with one picture: nothing can be said of them on one picture alone."""
    smallest: Size | None
    """By area; ``None`` when nothing can be read. So ``middle`` and ``largest``."""
    middle: Size | None
    largest: Size | None
    formats: Mapping[str, int]
    """Readable pictures by format, the most frequent first."""
    same_bytes: tuple[Duplicate, ...]
    """Files that are copies of each other."""
    same_pixels: tuple[Duplicate, ...]
    """Pictures that are alike to the pixel in files that are not all copies."""
    unreadable: tuple[str, ...]
    """Pictures that cannot be read, with the reason."""

    @property
    def across(self) -> tuple[Duplicate, ...]:
        """Duplicates that two identities or more claim, each once."""
        found = [one for one in (*self.same_bytes, *self.same_pixels) if len(one.identities) > 1]
        whole = [set(one.pictures) for one in found]
        return tuple(
            one
            for one, pictures in zip(found, whole, strict=True)
            if not any(pictures < other for other in whole)
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """One picture, read."""

    bytes: str
    pixels: str
    size: Size
    format: str
    trouble: str


def inspect(identities: Identities, *, progress: Progress | None = None) -> Inspection:
    """Read every picture of a data set and say what is there.

    Args:
        identities: the data set.
        progress: called after every piece.
    """
    names, labels = identities.names(), identities.labels()
    seen: list[_Seen] = []
    for one in _all(identities.archive, names):
        seen.append(one)
        if progress and (len(seen) % PIECE == 0 or len(seen) == len(names)):
            progress(len(seen), len(names))
    counts = sorted(len(found) for found in identities.pictures.values())
    readable = [one for one in seen if not one.trouble]
    sizes = sorted((one.size for one in readable), key=lambda size: (size[0] * size[1], size))
    owners = dict(zip(names, labels, strict=True))
    by_bytes = _groups(names, [one.bytes for one in seen])
    by_pixels = _groups(names, [one.pixels for one in seen])
    copies = {name: one.bytes for name, one in zip(names, seen, strict=True)}
    return Inspection(
        identities=len(counts),
        pictures=len(names),
        fewest=counts[0],
        median=float(median(counts)),
        most=counts[-1],
        alone=tuple(name for name, found in identities.pictures.items() if len(found) == 1),
        smallest=sizes[0] if sizes else None,
        middle=sizes[len(sizes) // 2] if sizes else None,
        largest=sizes[-1] if sizes else None,
        formats=dict(Counter(one.format for one in readable).most_common()),
        same_bytes=_duplicates(by_bytes, owners),
        same_pixels=_duplicates(
            [group for group in by_pixels if len({copies[name] for name in group}) > 1], owners
        ),
        unreadable=tuple(
            f"{name}: {one.trouble}" for name, one in zip(names, seen, strict=True) if one.trouble
        ),
    )


def _all(archive: Archive, names: Sequence[str]) -> Iterator[_Seen]:
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, len(names), PIECE):
            yield from pool.map(partial(_one, archive), names[start : start + PIECE])


def _one(archive: Archive, name: str) -> _Seen:
    size = archive.sizes[name]
    if size > DEFAULT_LIMITS.bytes:
        # Told from the directory of the archive: it is not unpacked to find out.
        return _Seen("", "", (0, 0), "", f"{size:,} bytes are more than {DEFAULT_LIMITS.bytes:,}")
    try:
        content = archive.read(name)
    except OSError as error:
        return _Seen("", "", (0, 0), "", f"it cannot be read ({error})")
    digest = hashlib.sha256(content).hexdigest() if content else ""
    try:
        picture = read_image(content)
    except ImageError as error:
        return _Seen(digest, "", (0, 0), "", error.message)
    height, width = picture.shape[:2]
    pixels = hashlib.sha256(f"{width}x{height}".encode() + picture.tobytes()).hexdigest()
    return _Seen(digest, pixels, (width, height), format_of(content), "")


def format_of(content: bytes) -> str:
    """The format of a picture's file, as its first bytes tell it."""
    found = (name for name, place, magic in MAGIC if content[place : place + len(magic)] == magic)
    return next(found, "other")


def _groups(names: Sequence[str], digests: Sequence[str]) -> list[list[str]]:
    """Names with the same digest, two or more; an empty digest is like no other."""
    found: dict[str, list[str]] = {}
    for name, digest in zip(names, digests, strict=True):
        if digest:
            found.setdefault(digest, []).append(name)
    return [group for group in found.values() if len(group) > 1]


def _duplicates(groups: Sequence[Sequence[str]], owners: Mapping[str, str]) -> tuple[Duplicate, ...]:
    return tuple(
        Duplicate(tuple(group), tuple(dict.fromkeys(owners[name] for name in group))) for group in groups
    )


def sample(identities: Identities, rows: int, columns: int) -> dict[str, list[NDArray[np.uint8]]]:
    """Some readable pictures of some identities, spread evenly over the data set, for a contact sheet.

    Args:
        identities: the data set.
        rows: most identities.
        columns: most pictures of each.

    Returns:
        (H, W, 3) uint8 RGB by identity; a list may be empty.
    """
    everyone = list(identities.pictures)
    count = min(rows, len(everyone))
    picked = [everyone[place * len(everyone) // count] for place in range(count)]
    shown: dict[str, list[NDArray[np.uint8]]] = {}
    for person in picked:
        shown[person] = []
        for name in identities.pictures[person]:
            if len(shown[person]) == columns:
                break
            if identities.archive.sizes[name] > DEFAULT_LIMITS.bytes:
                continue
            try:
                shown[person].append(read_image(identities.archive.read(name)))
            except (ImageError, OSError):
                continue  # it is counted and named by ``inspect``
    return shown
