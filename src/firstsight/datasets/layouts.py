"""Whether a data set is whole: held against the counts that its authors publish."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firstsight.datasets.downloading import PUBLISHED
from firstsight.datasets.identities import open_identities
from firstsight.datasets.lfw import open_lfw
from firstsight.datasets.omniglot import open_omniglot
from firstsight.datasets.splits import LAYOUTS
from firstsight.errors import DataError, UsageError

CELEBA: Final = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"


@dataclass(frozen=True, slots=True)
class Counts:
    """What is published of a data set."""

    background: int = 964
    """Characters of Omniglot, of 20 drawings each."""
    evaluation: int = 659
    people: int = 5_749
    """Of LFW."""
    photos: int = 13_233


@dataclass(frozen=True, slots=True)
class Found:
    """A data set that is whole."""

    path: Path
    """As ``open_split`` takes it."""
    identities: int
    pictures: int
    note: str
    """What it was held against; empty where nothing is published."""


def check_published(layout: str, path: Path, *, counts: Counts = Counts()) -> Found:
    """Open a data set and hold it against what is published.

    Args:
        layout: ``"omniglot"``, ``"lfw"``, ``"celeba"`` or ``"folder"``.
        path: a folder or an archive; of the first two also an archive that lies beside the others.
        counts: what is to be found.

    Raises:
        DataError: it is missing, damaged or not whole.
        UsageError: no such layout.
    """
    check_layout(layout)
    if layout == "omniglot":
        return _omniglot(_home(path), counts)
    if layout == "lfw":
        return _lfw(_home(path), counts)
    identities = open_identities(path)
    return Found(path, len(identities.pictures), len(identities.names()), "")


def check_layout(layout: str, *, download: bool = False) -> None:
    """Refuse a layout that is not known, or that no program can fetch.

    Raises:
        UsageError: no such layout.
        DataError: it is to be downloaded, and cannot be.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"There is no layout {layout!r}.", hint=f"Known: {', '.join(LAYOUTS)}.")
    if download and layout not in PUBLISHED:
        where = f"Get CelebA from {CELEBA} by hand" if layout == "celeba" else "It is your own"
        raise DataError(
            f"The layout {layout} cannot be downloaded.", hint=f"{where}, and name its folder with --from."
        )


def _home(path: Path) -> Path:
    """The folder in which the archives lie side by side."""
    return path.parent if path.is_file() else path


def _omniglot(path: Path, counts: Counts) -> Found:
    omniglot = open_omniglot(path)
    characters = 0
    for (archive, drawings), wanted in (
        (omniglot.background, counts.background),
        (omniglot.evaluation, counts.evaluation),
    ):
        drawers: dict[str, set[int]] = {}
        for one in drawings:
            drawers.setdefault(one.character, set()).add(one.drawer)
        uneven = [name for name, found in drawers.items() if found != set(range(1, 21))]
        if len(drawers) != wanted or uneven:
            more = f"; {uneven[0]} is not drawn by each of 20 people" if uneven else ""
            raise DataError(
                f"{archive.path} has {len(drawers)} characters, not {wanted}{more}.", hint="Fetch it again."
            )
        characters += len(drawers)
    pictures = len(omniglot.background[1]) + len(omniglot.evaluation[1])
    return Found(path, characters, pictures, "all characters by 20 people each, and the 20 official runs")


def _lfw(path: Path, counts: Counts) -> Found:
    lfw = open_lfw(path)
    people, photos = len(lfw.identities.pictures), len(lfw.identities.names())
    if (people, photos) != (counts.people, counts.photos):
        raise DataError(
            f"{lfw.identities.archive.path} has {photos:,} photos of {people:,} people, not "
            f"{counts.photos:,} of {counts.people:,}.",
            hint="Fetch it again.",
        )
    lfw.view2()
    lfw.fold_people()
    for part in ("train", "test"):
        lfw.view1(part)
        lfw.view1_people(part)
    return Found(path, people, photos, "all photos, and the official lists of both views")
