"""Which pictures of a data set train and which validate: official lists, and nobody on both sides."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets.archive import Archive
from firstsight.datasets.identities import Identities, open_identities, read_list
from firstsight.datasets.lfw import FOLDS, Pair, open_lfw
from firstsight.datasets.omniglot import Drawing, open_omniglot, paper_split
from firstsight.datasets.prepared import Item
from firstsight.errors import DataError

LAYOUTS: Final = ("folder", "omniglot", "lfw", "celeba")
WITHOUT_LFW: Final = "without-lfw"
PEOPLE_OF_LFW: Final = Path(__file__).with_name("celeba_in_lfw.txt")
"""Identities of CelebA who may be people of LFW, one a line."""
LEAST_HELD_OUT: Final = 2
"""Identities of a folder that can validate: fewer, and nobody does."""


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Pictures by their part, as they lie in their archives."""

    train: tuple[tuple[Archive, tuple[Item, ...]], ...]
    validation: tuple[tuple[Archive, tuple[Item, ...]], ...]
    """Empty when everything trains."""
    pairs: tuple[Pair, ...] = ()
    """Official pairs to validate on, where the data set has them."""

    def __post_init__(self) -> None:
        sides = [
            {item.identity for _, items in part for item in items} for part in (self.train, self.validation)
        ]
        if shared := sides[0] & sides[1]:
            raise DataError(
                f"{min(shared)} is both in training and in validation.", hint="Split the data by identity."
            )
        if len(sides[0]) < 2:
            raise DataError(
                f"{len(sides[0])} identities are too few to train on.",
                hint="Give a folder with one sub-folder, with two pictures or more, for each of them.",
            )


def open_split(layout: str, part: str, path: Path, *, held_out: float = 0.1, seed: int = 0) -> Split:
    """The pictures of a data set that train, and those that validate.

    Args:
        layout: ``"folder"``, ``"celeba"``: one sub-folder for each identity; a share of the identities
            is held out. ``"omniglot"``, ``"lfw"``: as published.
        part: ``"all"`` of a folder. Of CelebA also ``"without-lfw"``: all but those who may be people of
            LFW, on which the twin is then tested. Of Omniglot ``"paper"`` (Koch et al.), ``"background"``
            (all 30 alphabets train) or ``"background-25"`` (so many train, the others validate). Of LFW
            ``"view1"``, or ``"fold-3"``, ``"folds-1-5"``: everybody trains but the people of those folds
            of View 2, which the twin may then be tested on.
        path: the data set.
        held_out: share of the identities of a folder that validate; nobody, where it comes to fewer
            than two.
        seed: which of them.

    Raises:
        DataError: the data are not as published, or too few.
    """
    if layout == "omniglot":
        return _omniglot(path, part)
    if layout == "lfw":
        return _lfw(path, part)
    if layout not in LAYOUTS:
        raise DataError(f"There is no layout {layout!r}.", hint=f"Known: {', '.join(LAYOUTS)}.")
    if layout == "celeba" and part == WITHOUT_LFW:
        return _folder(open_identities(path), held_out, seed, people_of_lfw())
    if part != "all":
        raise _unknown(layout, part, "all", *([WITHOUT_LFW] if layout == "celeba" else []))
    return _folder(open_identities(path), held_out, seed)


def people_of_lfw() -> frozenset[str]:
    """Identities of CelebA who may be people of LFW."""
    return read_list(PEOPLE_OF_LFW)


def _folder(
    identities: Identities, held_out: float, seed: int, left_out: frozenset[str] = frozenset()
) -> Split:
    # Who is held out is drawn from all, so that leaving somebody out moves nobody to the other side.
    everyone = sorted(name for name, found in identities.pictures.items() if len(found) > 1)
    count = round(held_out * len(everyone))
    if count < LEAST_HELD_OUT:
        count = 0  # nobody to tell them from: they are of more use in training
    order = np.random.default_rng((seed, len(everyone))).permutation(len(everyone))
    kept_back = frozenset(everyone[place] for place in order[:count])
    # Who has one picture only can teach what is apart, not what is alike; margin softmax uses both.
    train = frozenset(identities.pictures) - kept_back - left_out
    kept_back -= left_out
    return Split(_people(identities, train), _people(identities, kept_back) if kept_back else ())


def _people(identities: Identities, wanted: frozenset[str]) -> tuple[tuple[Archive, tuple[Item, ...]], ...]:
    kept = identities.only(wanted)
    pairs = zip(kept.names(), kept.labels(), strict=True)
    return ((identities.archive, tuple(Item(name, label) for name, label in pairs)),)


def _lfw(path: Path, part: str) -> Split:
    lfw = open_lfw(path)
    if part == "view1":
        train, test = (lfw.view1_people(side) for side in ("train", "test"))
        return Split(_people(lfw.identities, train), _people(lfw.identities, test), tuple(lfw.view1("test")))
    tested = tested_folds(part)
    if not tested:
        raise _unknown("lfw", part, "view1", "fold-1 to fold-10", "folds-1-5 and the like")
    people = lfw.fold_people()
    held_out = frozenset[str]().union(*(people[fold - 1] for fold in tested))
    return Split(_people(lfw.identities, frozenset(lfw.identities.pictures) - held_out), ())


def tested_folds(part: str) -> range:
    """The folds of View 2, from 1, that a part keeps out of training; none for another part."""
    found = re.fullmatch(r"fold-(\d+)|folds-(\d+)-(\d+)", part)
    if found is None:
        return range(0)
    first, last = (int(found[1]),) * 2 if found[1] else (int(found[2]), int(found[3]))
    return range(first, last + 1) if 1 <= first <= last <= FOLDS else range(0)


def _omniglot(path: Path, part: str) -> Split:
    omniglot = open_omniglot(path)
    archive, drawings = omniglot.background
    if part == "paper":
        return Split(
            ((archive, _items(paper_split(omniglot, "train"))),),
            ((omniglot.evaluation[0], _items(paper_split(omniglot, "validation"))),),
        )
    if part == "background":
        return Split(((archive, _items(drawings)),), ())
    some = re.fullmatch(r"background-(\d+)", part)
    alphabets = sorted({one.alphabet for one in drawings})
    if some and 0 < int(some[1]) < len(alphabets):
        back = len(alphabets) - int(some[1])
        held_out = [alphabets[place * len(alphabets) // back] for place in range(back)]
        return Split(
            ((archive, _items([one for one in drawings if one.alphabet not in held_out])),),
            ((archive, _items([one for one in drawings if one.alphabet in held_out])),),
        )
    raise _unknown("omniglot", part, "paper", "background", "background-1 to background-29")


def _items(drawings: Sequence[Drawing]) -> tuple[Item, ...]:
    return tuple(Item(one.name, one.character, one.alphabet) for one in drawings)


def _unknown(layout: str, part: str, *known: str) -> DataError:
    return DataError(f"The layout {layout} has no part {part!r}.", hint=f"Known: {', '.join(known)}.")


def labels(items: Sequence[Item]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The identity and the group of each item by number, (N,) and (N,)."""
    identity = np.unique([item.identity for item in items], return_inverse=True)[1]
    group = np.unique([item.group for item in items], return_inverse=True)[1]
    return identity.astype(np.int64), group.astype(np.int64)
