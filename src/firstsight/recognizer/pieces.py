"""The templates of many photos in a folder of files, each written whole or not at all.

A piece is two files of one name. ``NAME.safetensors`` holds a row for each face: ``templates`` (M, D)
float32; ``photos`` (M,) int64, the photo's line in the other file; ``boxes`` (M, 4) float32, left, top, width
and height in pixels of the upright photo; ``qualities`` (M,) float32, 0 to 1. Its metadata say what made
them. ``NAME.jsonl`` has a line for each photo: ``photo``, ``faces`` (how many), ``error``. The first of the
two is written last: without it there is no piece.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from firstsight.errors import DataError, FirstsightError, UsageError
from firstsight.files import write_whole
from firstsight.gallery import Contract

FAMILY: Final = "firstsight-templates-"
FORMAT: Final = f"{FAMILY}1"
ROWS: Final = ".safetensors"
LINES: Final = ".jsonl"
OWN_NAME: Final = re.compile(r"\d+-of-\d+-\d{6,}")
"""Of a piece, as ``embed`` names its parts."""


@dataclass(frozen=True, slots=True)
class Making:
    """What made the templates of a folder; those of another making do not go with them."""

    contract: Contract
    one_face: bool
    """Whether photos had to show exactly one."""

    def metadata(self) -> dict[str, str]:
        """As a piece carries it."""
        made = self.contract
        return {
            "format": FORMAT,
            "model": made.model,
            "digest": made.digest,
            "preprocessing": made.preprocessing,
            "dimension": str(made.dimension),
            "faces": "one" if self.one_face else "every",
        }


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """The faces of one photo."""

    templates: NDArray[np.float32] = field(repr=False)
    """(N, D)."""
    boxes: NDArray[np.float32]
    """(N, 4): left, top, width, height."""
    qualities: NDArray[np.float32]
    """(N,), 0 to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some photos of a folder."""

    metadata: Mapping[str, str]
    lines: list[dict[str, Any]]
    """For each photo ``photo``, ``faces`` and ``error``."""
    faces: Faces
    photos: NDArray[np.int64]
    """(M,): the line of each face's photo."""


@dataclass(slots=True)
class Pieces:
    """What one process writes into a folder."""

    folder: Path
    prefix: str
    """Of its files' names; no other process has the same."""
    making: Making
    _lines: list[dict[str, Any]] = field(default_factory=list)
    _faces: list[Faces] = field(default_factory=list)
    _number: int = 0

    def __len__(self) -> int:
        """How many photos are not written yet."""
        return len(self._lines)

    def add(self, photo: str, found: Faces | FirstsightError) -> None:
        """What became of a photo."""
        if isinstance(found, FirstsightError):
            told = {"code": found.code, "message": found.message, "hint": found.hint}
            found = Faces(*(np.empty(shape, np.float32) for shape in (self._shape, (0, 4), (0,))))
        else:
            told = None
        self._lines.append({"photo": photo, "faces": len(found.templates), "error": told})
        self._faces.append(found)

    def write(self) -> None:
        """Write what was added as a piece of its own.

        Raises:
            UsageError: it cannot be written.
        """
        lines, faces = self._lines, self._faces
        if not lines:
            return
        self._lines, self._faces = [], []
        while (rows := self.folder / f"{self.prefix}-{self._number:06d}{ROWS}").exists():
            self._number += 1
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        tensors = {
            "templates": np.concatenate([each.templates for each in faces]),
            "photos": np.repeat(np.arange(len(lines)), [len(each.templates) for each in faces]),
            "boxes": np.concatenate([each.boxes for each in faces]),
            "qualities": np.concatenate([each.qualities for each in faces]),
        }
        write_whole(rows.with_suffix(LINES), text.encode())
        write_whole(rows, save(tensors, self.making.metadata()))

    @property
    def _shape(self) -> tuple[int, int]:
        return 0, self.making.contract.dimension


def read_pieces(folder: Path) -> Iterator[Piece]:
    """The pieces of a folder, by name; one after the other, so that they need not fit into memory.

    Raises:
        UsageError: it holds files of others.
        DataError: one of them is damaged.
    """
    for path in sorted(folder.glob(f"*{ROWS}")):
        metadata, lines = _read_lines(path)
        with safe_open(path, "numpy") as opened:
            held = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
        faces = Faces(held["templates"], held["boxes"], held["qualities"])
        yield Piece(metadata, lines, faces, held["photos"])


def read_outcomes(folder: Path, making: Making) -> dict[str, str | None]:
    """The photos that the pieces of a folder know: None, or the code of the error with which it was refused.

    Raises:
        UsageError: they were made otherwise, or it holds files of others.
        DataError: one of them is damaged.
    """
    outcomes: dict[str, str | None] = {}
    for path in sorted(folder.glob(f"*{ROWS}")):
        metadata, lines = _read_lines(path)
        if metadata != making.metadata():
            differing = [name for name, value in making.metadata().items() if metadata.get(name) != value]
            raise UsageError(
                f"{folder} holds templates of {metadata.get('model')}, made otherwise: "
                f"{', '.join(differing)} differ.",
                hint="Name another folder.",
            )
        for line in lines:
            code = line["error"] and line["error"]["code"]
            # Refused once and read later, or the other way round: what was read holds.
            if outcomes.get(line["photo"], "") is not None:
                outcomes[line["photo"]] = code
    return outcomes


def _read_lines(path: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    metadata = _metadata(path)
    try:
        text = path.with_suffix(LINES).read_text("utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return metadata, lines


def _metadata(path: Path) -> dict[str, str]:
    """What a piece says of its making.

    Raises:
        UsageError: it is none of ours, such as a model.
        DataError: it is damaged.
    """
    try:
        with safe_open(path, "numpy") as opened:
            metadata = dict(opened.metadata() or {})
        ours = metadata.get("format", "").startswith(FAMILY)
    except (OSError, SafetensorError) as error:
        # Nobody is to remove what we did not write: only the name tells whose a file is that cannot be read.
        if OWN_NAME.fullmatch(path.stem):
            raise _damaged(path, error) from error
        ours = False
    if not ours:
        raise UsageError(
            f"{path.parent} holds other files ({path.name} is no piece of templates).",
            hint="Name another folder.",
        )
    return metadata


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} or the {LINES} beside it is damaged ({error}).",
        hint="Remove both; their photos are then embedded again.",
    )
