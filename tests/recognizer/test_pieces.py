"""Pieces of templates, and what else may lie in their folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from firstsight.errors import DataError, UsageError
from firstsight.gallery import Contract
from firstsight.recognizer.pieces import Faces, Making, Pieces, read_outcomes, read_pieces

MAKING = Making(Contract("mine", "0" * 64, "v", 4), one_face=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One piece, of one photo with two faces."""
    pieces = Pieces(tmp_path, "1-of-1", MAKING)
    faces = Faces(np.eye(2, 4, dtype=np.float32), np.ones((2, 4), np.float32), np.ones(2, np.float32))
    pieces.add("a.jpg", faces)
    pieces.write()
    return tmp_path


def place_of(folder: Path) -> Path:
    (rows,) = folder.glob("*.safetensors")
    return rows


def test_what_was_written_is_read(folder: Path) -> None:
    (piece,) = read_pieces(folder)
    assert piece.faces.templates.tolist() == np.eye(2, 4).tolist()
    assert read_outcomes(folder, MAKING) == {"a.jpg": None}


@pytest.mark.parametrize("kind", ["model", "bare", "no tensors"])
def test_a_file_of_somebody_else_is_not_to_be_removed(folder: Path, kind: str) -> None:
    """Such as the model that a training left in the same folder."""
    other = folder / "model.safetensors"
    if kind == "no tensors":
        other.write_text("version https://git-lfs.github.com/spec/v1")
    else:
        metadata = {"firstsight": "{}"} if kind == "model" else None
        save_file({"tower": np.ones(3, np.float32)}, other, metadata)
    for read in (lambda: read_outcomes(folder, MAKING), lambda: list(read_pieces(folder))):
        with pytest.raises(UsageError, match=r"holds other files \(model\.safetensors") as caught:
            read()
        assert caught.value.hint == "Name another folder."
    other.unlink()
    assert len(list(read_pieces(folder))) == 1


@pytest.mark.parametrize("part", [".safetensors", ".jsonl"])
def test_a_damaged_piece_is_embedded_again(folder: Path, part: str) -> None:
    bad = place_of(folder).with_suffix(part)
    bad.write_bytes(bad.read_bytes()[:20])
    with pytest.raises(DataError, match="is damaged") as caught:
        read_outcomes(folder, MAKING)
    assert caught.value.hint.startswith("Remove both")


def test_templates_of_a_later_format_are_made_otherwise(folder: Path) -> None:
    place = place_of(folder)
    metadata = MAKING.metadata() | {"format": "firstsight-templates-2"}
    save_file({"templates": np.ones((1, 4), np.float32)}, place, metadata)
    shutil.copy(place.with_suffix(".jsonl"), folder / "kept.jsonl")
    with pytest.raises(UsageError, match="format differ"):
        read_outcomes(folder, MAKING)
