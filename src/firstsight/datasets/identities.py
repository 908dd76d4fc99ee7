"""People and their pictures: any folder or archive with one sub-folder per identity."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from firstsight.datasets.archive import PICTURES, Archive, open_archive
from firstsight.errors import DataError

BESIDE: Final = "__MACOSX"
"""Folder in which macOS keeps what it knows of the other files of a zip, under their names."""


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
        DataError: the path, nothing in it that looks like pictures in folders, or two folders of one name.
    """
    return group(open_archive(path))


def read_list(path: Path) -> frozenset[str]:
    """Identities named in a text file, one a line; lines that begin with ``#`` tell of them.

    Raises:
        DataError: no text can be read there.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise DataError(f"{path} cannot be read ({why}).", hint="Name one identity on each line.") from error
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def is_picture(name: str) -> bool:
    """Whether a file counts as a picture, by its name: programs keep small copies in hidden folders."""
    path = PurePosixPath(name)
    unseen = any(part.startswith(".") or part == BESIDE for part in path.parts)
    return path.suffix.lower() in PICTURES and not unseen


def owners(
    names: Iterable[str],
    where: str | Path,
    *,
    known_as: Callable[[str], str] = str,
) -> dict[str, str]:
    """Whose picture each file is; what is no picture is left out.

    A picture is named after the folder that it lies in, as any number of folders may lie around those of an
    archive; outside of all folders it is named after itself. Two folders of one name may be one person's or
    two people's, which nothing tells, so they are refused.

    Args:
        names: of files, with forward slashes.
        where: what holds them, for the error.
        known_as: the name under which somebody is kept, where several ways of writing it are one.

    Raises:
        DataError: two different folders would become one identity.
    """
    places: dict[str, PurePosixPath] = {}
    found = {}
    for name in filter(is_picture, names):
        place = _place(PurePosixPath(name))
        other = places.setdefault(known_as(place.name), place)
        if other != place:
            raise DataError(
                f"{where} holds {str(other)!r} and {str(place)!r}, which would become one identity.",
                hint="Keep each identity's pictures in one folder, under its name, or give one part of the "
                "data (as of 'train' and 'test') alone.",
            )
        found[name] = place.name
    return found


def _place(path: PurePosixPath) -> PurePosixPath:
    """What a picture's identity is named after: a folder, or the file without its ending."""
    return path.parent if path.parent.name else path.with_suffix("")


def group(archive: Archive) -> Identities:
    """The pictures of an archive by the folder that they lie in.

    Raises:
        DataError: there are none, or two folders of one name.
    """
    found: dict[str, list[str]] = {}
    inside = (name for name in archive.sizes if PurePosixPath(name).parent.name)
    for name, identity in owners(inside, archive.path).items():
        found.setdefault(identity, []).append(name)
    if not found:
        raise DataError(
            f"{archive.path} holds no pictures in folders.",
            hint="Make one sub-folder per person, with that person's pictures in it.",
        )
    return Identities(archive, {name: tuple(sorted(found[name])) for name in sorted(found)})
