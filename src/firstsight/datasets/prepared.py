"""Pictures decoded once: one memory-mapped array, and what is known of each row."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import DataError

PIXELS: Final = "pixels.npy"
INDEX: Final = "index.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of a data set."""

    name: str
    """In its archive."""
    identity: str
    group: str = ""
    """What identities are drawn within: an alphabet; empty where there is none."""


@dataclass(frozen=True, slots=True)
class View:
    """How the pictures of a prepared set were cut."""

    side: int
    """Of the square pictures in pixels."""
    channels: int
    """1 for grey, 3 for RGB."""
    points: tuple[tuple[float, float], ...] = ()
    """Where the landmarks of every face lie; empty for whole pictures."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A data set that is ready to train on. Safe to share between threads."""

    pixels: NDArray[np.uint8]
    """(N, side, side, channels), memory-mapped, read only."""
    items: tuple[Item, ...]
    """What each row shows."""
    view: View
    digest: str
    """Of the data set and the view."""
    unreadable: tuple[str, ...]
    """Pictures that were left out, with the reason."""
    key: str = ""
    """The name of its folder: what is kept of these very pixels elsewhere goes by it."""

    @property
    def selection(self) -> str:
        """What tells which pictures of the data set have a row; empty where all of them have one.

        Beside ``digest``, which is that of the whole data set, whatever was left out of it.
        """
        if not self.unreadable:
            return ""
        return hashlib.sha256(json.dumps([item.name for item in self.items]).encode()).hexdigest()

    def rows(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Rows of the pictures of those names.

        Raises:
            DataError: one of them was left out.
        """
        places = {item.name: row for row, item in enumerate(self.items)}
        try:
            return np.array([places[name] for name in names], dtype=np.intp)
        except KeyError as error:
            raise DataError(
                f"The picture {error} is not in the prepared data.", hint="Prepare again."
            ) from error


def digest(data: str, items: Sequence[Item], view: View) -> str:
    """What tells one prepared set from another."""
    parts = [
        FORMAT,
        data,
        view.side,
        view.channels,
        view.points,
        [(i.name, i.identity, i.group) for i in items],
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def is_prepared(folder: Path) -> bool:
    """Whether a folder holds a prepared set."""
    return (folder / INDEX).is_file() and (folder / PIXELS).is_file()


def open_prepared(folder: Path) -> Prepared:
    """Open what ``write_prepared`` wrote.

    Raises:
        DataError: it is missing, damaged or of another format.
    """
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text("utf-8"))
        if index["format"] != FORMAT:
            raise ValueError(f"its format is {index['format']}")
        pixels = np.load(folder / PIXELS, mmap_mode="r")
        view = View(index["side"], index["channels"], tuple((x, y) for x, y in index["points"]))
        items = tuple(Item(*row) for row in index["items"])
        if pixels.dtype != np.uint8 or pixels.shape != (len(items), view.side, view.side, view.channels):
            raise ValueError(f"its pixels are {pixels.shape} {pixels.dtype}")
        return Prepared(pixels, items, view, index["digest"], tuple(index["unreadable"]), folder.name)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder} is no prepared data set ({error}).", hint="Remove that folder and prepare again."
        ) from error


def write_index(
    folder: Path, items: Sequence[Item], view: View, made: str, unreadable: Sequence[str]
) -> None:
    """Write what is known of the rows beside the pixels."""
    index = {
        "format": FORMAT,
        "digest": made,
        "side": view.side,
        "channels": view.channels,
        "points": view.points,
        "unreadable": list(unreadable),
        "items": [(item.name, item.identity, item.group) for item in items],
    }
    (folder / INDEX).write_text(json.dumps(index), "utf-8")


def discard(folder: Path) -> None:
    """Remove a folder that was not finished."""
    shutil.rmtree(folder, ignore_errors=True)
