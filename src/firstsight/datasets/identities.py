"""People and their pictures: any folder or archive with one sub-folder per identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from firstsight.datasets.archive import PICTURES, Archive, open_archive
from firstsight.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Identities:
    """Who has which pictures."""

    archive: Archive
    pictures: Mapping[str, tuple[str, ...]]
    """Names in the archive by identity, both sorted."""

    def only(self, identities: frozenset[str]) -> Identities:
        """The same data set, these identities only."""
        kept = {name: found for name, found in self.pictures.items() if name in identities}
        return Identities(self.archive, kept)

    def names(self) -> list[str]:
        """All pictures' names in the archive, identity by identity."""
        return [name for found in self.pictures.values() for name in found]

    def labels(self) -> list[str]:
        """The identity of each of ``names()``."""
        return [identity for identity, found in self.pictures.items() for _ in found]


def open_identities(path: Path) -> Identities:
    """Open a folder, zip or tar; a picture's identity is the folder that it lies in.

    Raises:
        DataError: the path, or nothing in it that looks like pictures in folders.
    """
    return group(open_archive(path))


def group(archive: Archive) -> Identities:
    """The pictures of an archive by the folder that they lie in."""
    found: dict[str, list[str]] = {}
    for name in archive.sizes:
        parts = PurePosixPath(name)
        if parts.suffix.lower() in PICTURES and parts.parent.name:
            found.setdefault(parts.parent.name, []).append(name)
    if not found:
        raise DataError(
            f"{archive.path} holds no pictures in folders.",
            hint="Make one sub-folder per person, with that person's pictures in it.",
        )
    return Identities(archive, {name: tuple(sorted(found[name])) for name in sorted(found)})
