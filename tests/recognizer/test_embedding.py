from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from firstsight.errors import DataError, ImageMissing, UsageError
from firstsight.recognizer import Encoder, embedding
from firstsight.recognizer.embedding import Outcome, embed_photos
from firstsight.recognizer.importing import find_photos
from firstsight.recognizer.parts import Part
from firstsight.recognizer.pieces import Piece, read_pieces

People = dict[str, list[Path]]


@pytest.fixture
def folder(people: People, together: dict[Path, tuple[str, ...]], tmp_path: Path) -> Path:
    """Four photos of one face, one of two, one of none, and a file that is no picture."""
    root = tmp_path / "photos"
    for name in list(people)[:2]:
        (root / name).mkdir(parents=True)
        for picture in people[name][:2]:
            shutil.copy(picture, root / name)
    shutil.copy(next(iter(together)), root / "pair.jpg")
    Image.new("RGB", (80, 80), "gray").save(root / "wall.png")
    (root / "broken.jpg").write_text("hello")
    return root


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "templates"


def run(encoder: Encoder, folder: Path, out: Path, one_face: bool = False) -> dict[str, Outcome]:
    outcomes = embed_photos(encoder, find_photos(folder), out, one_face=one_face, workers=2)
    return {outcome.photo.label: outcome for outcome in outcomes}


def kinds(outcomes: dict[str, Outcome]) -> Counter[str]:
    return Counter(
        type(each.error).__name__ if each.error else "new" if each.embedded else "before"
        for each in outcomes.values()
    )


def lines(out: Path) -> Counter[str]:
    """How often each photo is in the files."""
    return Counter(line["photo"] for piece in read_pieces(out) for line in piece.lines)


def held(pieces: list[Piece]) -> dict[str, list[list[float]]]:
    """Templates by photo."""
    return {
        line["photo"]: piece.faces.templates[piece.photos == number].tolist()
        for piece in pieces
        for number, line in enumerate(piece.lines)
        if not line["error"]
    }


@pytest.mark.skipif(sys.platform == "win32", reason="not everybody may make links there")
def test_links_are_followed_or_refused_by_name(
    encoder: Encoder, folder: Path, out: Path, tmp_path: Path
) -> None:
    before = len(find_photos(folder))
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(folder / "wall.png", tmp_path / "elsewhere" / "1.png")
    (folder / "Nas").symlink_to(tmp_path / "elsewhere")
    (folder / "Ines").symlink_to(tmp_path / "gone")
    outcomes = run(encoder, folder, out)
    assert len(outcomes) == before + 2
    assert outcomes["Nas/1.png"].embedded
    assert isinstance(outcomes["Ines"].error, ImageMissing)
    (piece,) = read_pieces(out)
    assert {line["photo"]: (line["error"] or {}).get("code") for line in piece.lines}[
        "Ines"
    ] == "image_missing"


def test_every_face_gets_its_template(encoder: Encoder, folder: Path, out: Path) -> None:
    outcomes = run(encoder, folder, out)
    assert kinds(outcomes) == {"new": 6, "ImageUnreadable": 1}
    (piece,) = read_pieces(out)
    assert [line["photo"] for line in piece.lines] == [photo.label for photo in find_photos(folder)]
    assert sorted(piece.photos) == list(piece.photos)
    for number, line in enumerate(piece.lines):
        faces = [] if line["error"] else encoder.faces(folder / line["photo"])
        mine = piece.photos == number
        assert line["faces"] == len(faces) == mine.sum() == outcomes[line["photo"]].faces
        for row, face in zip(np.flatnonzero(mine), faces, strict=True):
            assert piece.faces.templates[row] @ face.embedding > 0.99999
            box = face.face.box
            assert piece.faces.boxes[row].tolist() == pytest.approx(
                [box.left, box.top, box.width, box.height]
            )
            assert piece.faces.qualities[row] == pytest.approx(face.quality().score)
    errors = {line["photo"]: line["error"]["code"] for line in piece.lines if line["error"]}
    assert errors == {"broken.jpg": "image_unreadable"}
    assert piece.metadata["digest"] == encoder.model.digest
    assert piece.metadata["preprocessing"] == encoder.model.preprocessing.version
    assert not list(out.glob("*.part"))


def test_one_face_and_no_other_number(encoder: Encoder, folder: Path, out: Path) -> None:
    refused = {"ImageUnreadable": 1, "NoFace": 1, "SeveralFaces": 1}
    assert kinds(run(encoder, folder, out, one_face=True)) == {"new": 4} | refused
    (piece,) = read_pieces(out)
    assert len(piece.faces.templates) == 4
    with pytest.raises(UsageError, match="faces differ"):
        run(encoder, folder, out)


def test_an_interrupted_run_goes_on(
    encoder: Encoder, folder: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "PIECE", 2)
    started = embed_photos(encoder, find_photos(folder), out, workers=2)
    acknowledged = [next(started).photo.label for _ in range(5)]
    assert len(list(read_pieces(out))) == 2
    started.close()
    assert sorted(lines(out)) == sorted(acknowledged)
    # What was being written when the power went.
    (out / "1-of-1-000099.jsonl").write_text('{"photo": "wa')
    (out / "1-of-1-000099.safetensors.part").write_bytes(b"half")
    assert kinds(run(encoder, folder, out))["before"] == sum(name != "broken.jpg" for name in acknowledged)
    whole = tmp_path / "whole"
    run(encoder, folder, whole)
    mine, theirs = (held(list(read_pieces(folder))) for folder in (out, whole))
    assert mine.keys() == theirs.keys()
    for name, rows in mine.items():
        np.testing.assert_allclose(rows, theirs[name], atol=1e-5)
    assert set(lines(out).values()) == {1}


def test_what_was_refused_is_tried_again(encoder: Encoder, folder: Path, out: Path, people: People) -> None:
    run(encoder, folder, out)
    assert kinds(run(encoder, folder, out)) == {"before": 6, "ImageUnreadable": 1}
    assert lines(out)["broken.jpg"] == 1
    shutil.copy(next(iter(people.values()))[0], folder / "broken.jpg")
    assert kinds(run(encoder, folder, out)) == {"before": 6, "new": 1}
    assert kinds(run(encoder, folder, out)) == {"before": 7}
    assert len(held(list(read_pieces(out)))["broken.jpg"]) == 1


def test_a_damaged_piece_is_told(encoder: Encoder, folder: Path, out: Path) -> None:
    run(encoder, folder, out)
    (rows,) = out.glob("*.safetensors")
    content = rows.read_bytes()
    rows.write_bytes(content[:20])
    with pytest.raises(DataError, match="Remove both") as caught:
        run(encoder, folder, out)
    assert rows.name in str(caught.value)
    rows.write_bytes(content)
    text = rows.with_suffix(".jsonl")
    text.write_text(text.read_text()[:-9])
    with pytest.raises(DataError, match="damaged"):
        list(read_pieces(out))


def test_nobody_else_writes_the_same_part(encoder: Encoder, folder: Path, out: Path) -> None:
    out.mkdir()
    photos = find_photos(folder)
    with FileLock(out / "1-of-2.lock"):
        with pytest.raises(UsageError, match="part 1/2"):
            next(embed_photos(encoder, Part(0, 2).of(photos), out, part=Part(0, 2)))
        second = list(embed_photos(encoder, Part(1, 2).of(photos), out, part=Part(1, 2)))
    first = list(embed_photos(encoder, Part(0, 2).of(photos), out, part=Part(0, 2)))
    assert len(first) + len(second) == len(photos)
    assert lines(out) == {photo.label: 1 for photo in photos}
    assert json.loads((out / "2-of-2-000000.jsonl").read_text().splitlines()[0])["photo"] == photos[1].label


def test_a_folder_that_cannot_be_written(encoder: Encoder, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"):
        run(encoder, folder, tmp_path / "file")
