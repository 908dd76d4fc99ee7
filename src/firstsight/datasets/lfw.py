"""Labeled Faces in the Wild with its official lists.

Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild" (UMass TR 07-49, 2007): View 1 to
develop on (``pairsDevTrain``, ``pairsDevTest``), View 2 (``pairs``, ten folds) to report on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from firstsight.datasets.archive import open_archive
from firstsight.datasets.identities import Identities, group
from firstsight.errors import DataError

ARCHIVES: Final = ("lfw-deepfunneled", "lfw-funneled", "lfw_funneled", "lfw")
ENDINGS: Final = ("", ".tar", ".tgz", ".tar.gz", ".zip")
FOLDS: Final = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of one person (mated) or of two."""

    left: str
    right: str
    left_person: str
    right_person: str

    @property
    def mated(self) -> bool:
        """Of the same person."""
        return self.left_person == self.right_person


@dataclass(frozen=True, slots=True, eq=False)
class Lfw:
    """The photos and the folder of the lists."""

    identities: Identities
    lists: Path

    def view2(self) -> list[list[Pair]]:
        """The ten folds of View 2: 300 mated and 300 non-mated pairs each.

        Raises:
            DataError: the list is missing or not as published.
        """
        (head, *rows), place = self._rows("pairs.txt")
        if len(head) != 2 or head[0] != str(FOLDS) or not head[1].isdigit():
            raise DataError(f"{place}:1 is not '{FOLDS}<tab>pairs'.", hint="Fetch it again.")
        each = 2 * int(head[1])
        if len(rows) != FOLDS * each:
            raise DataError(f"{place} has {len(rows)} pairs, not {FOLDS * each}.", hint="Fetch it.")
        pairs = list(self._pairs(rows, place))
        folds = [pairs[start : start + each] for start in range(0, len(pairs), each)]
        if any(sum(pair.mated for pair in fold) != each // 2 for fold in folds):
            raise DataError(f"{place} has folds out of balance.", hint="Fetch it again.")
        return folds

    def view1(self, part: str) -> list[Pair]:
        """The pairs of View 1; ``part`` is ``"train"`` or ``"test"``."""
        (_, *rows), place = self._rows(f"pairsDev{part.capitalize()}.txt")
        return list(self._pairs(rows, place))

    def view1_people(self, part: str) -> frozenset[str]:
        """The people of View 1's ``"train"`` or ``"test"``; the two have nobody in common.

        Raises:
            DataError: a list is missing, or the two share people.
        """
        lists = {
            name: frozenset(row[0] for row in self._rows(f"peopleDev{name.capitalize()}.txt")[0][1:])
            for name in ("train", "test")
        }
        if shared := lists["train"] & lists["test"]:
            raise DataError(f"{min(shared)} is in both lists of View 1.", hint="Fetch them again.")
        return lists[part]

    def fold_people(self) -> list[frozenset[str]]:
        """The people of each fold of View 2, who are in no other fold.

        Raises:
            DataError: the list is missing or not as published.
        """
        (head, *rows), place = self._rows("people.txt")
        folds: list[frozenset[str]] = []
        try:
            for _ in range(int(head[0])):
                count = int(rows[0][0])
                folds.append(frozenset(row[0] for row in rows[1 : 1 + count]))
                if len(folds[-1]) != count:
                    raise ValueError(f"fold {len(folds)} has {len(folds[-1])} people, not {count}")
                rows = rows[1 + count :]
            if len(folds) != FOLDS or rows or sum(map(len, folds)) != len(frozenset().union(*folds)):
                raise ValueError("its folds are not whole or share people")
        except (ValueError, IndexError) as error:
            raise DataError(f"{place} is not as published ({error}).", hint="Fetch it again.") from error
        return folds

    def _rows(self, name: str) -> tuple[list[list[str]], Path]:
        place = self.lists / name
        try:
            lines = place.read_text("utf-8").splitlines()
        except OSError as error:
            raise DataError(
                f"The list {place} cannot be read ({error.strerror}).",
                hint="Put LFW's official lists beside its photos.",
            ) from error
        except UnicodeDecodeError as error:
            raise DataError(f"The list {place} is no text.", hint="Fetch it again.") from error
        rows = [line.split() for line in lines if line.strip()]
        if not rows:
            raise DataError(f"The list {place} is empty.", hint="Fetch it again.")
        return rows, place

    def _pairs(self, rows: Sequence[list[str]], place: Path) -> Iterator[Pair]:
        for number, row in enumerate(rows, start=2):
            try:
                if len(row) == 3:
                    left, right = (row[0], int(row[1])), (row[0], int(row[2]))
                else:
                    first, one, second, other = row
                    left, right = (first, int(one)), (second, int(other))
                yield Pair(self._picture(*left), self._picture(*right), left[0], right[0])
            except (ValueError, LookupError) as error:
                raise DataError(
                    f"{place}:{number} names no pair of photos ({error}).", hint="Fetch it again."
                ) from error

    def _picture(self, person: str, number: int) -> str:
        wanted = f"{person}_{number:04d}."
        for name in self.identities.pictures[person]:
            if name.rpartition("/")[2].startswith(wanted):
                return name
        raise LookupError(f"no photo {number} of {person}")


def open_lfw(path: Path) -> Lfw:
    """Open LFW: a folder with the lists and, beside them, the archive or the folder of photos.

    Raises:
        DataError: no photos, or no lists.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder.", hint="Name the folder of LFW's archive and lists.")
    for name in (stem + ending for stem in ARCHIVES for ending in ENDINGS):
        photos = path / name
        if photos.exists():
            return Lfw(group(open_archive(photos)), path)
    if path.name in ARCHIVES:
        inside = path if (path / "pairs.txt").is_file() else path.parent
        return Lfw(group(open_archive(path)), inside)
    raise DataError(
        f"{path} holds no photos of LFW.",
        hint=f"Put {ARCHIVES[0]}.tar (or its folder) beside the lists.",
    )
