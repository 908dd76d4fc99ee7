from __future__ import annotations

import dataclasses
import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from firstsight.datasets import open_identities
from firstsight.errors import DataError
from firstsight.evaluation import embedding
from firstsight.evaluation.embedding import embed_pictures, in_pieces
from firstsight.models import Model
from firstsight.recognizer import Encoder

People = dict[str, list[Path]]


@pytest.fixture
def data(tmp_path: Path, people: People) -> Path:
    folder = tmp_path / "data"
    for name in list(people)[:3]:
        (folder / name).mkdir(parents=True)
        for photo in people[name][:2]:
            shutil.copy(photo, folder / name)
    return folder


class Broken(Exception):
    pass


def test_the_templates_are_those_of_use(
    data: Path, tmp_path: Path, people: People, sface: Model, encoder: Encoder
) -> None:
    identities = open_identities(data)
    names = identities.names()
    found = embed_pictures(sface, identities.archive, names, cache=tmp_path / "cache")
    used = np.stack([encoder.only_face(data / name).embedding for name in names])
    np.testing.assert_allclose(found.embeddings, used, atol=1e-4)
    assert found.found.all()
    assert found.rows([names[4], names[0]]).tolist() == [4, 0]


def test_no_face_and_no_picture_are_rows_of_zeros(data: Path, tmp_path: Path, sface: Model) -> None:
    Image.new("RGB", (200, 200), "grey").save(data / "Amara" / "3.png")
    (data / "Amara" / "4.jpg").write_bytes(b"nothing")
    identities = open_identities(data)
    names = [name for name in identities.names() if name.startswith("Amara")]
    found = embed_pictures(sface, identities.archive, names, cache=tmp_path / "cache")
    assert found.found.tolist() == [True, True, False, False]
    assert not found.embeddings[2:].any()


def test_the_face_in_the_middle_is_the_one(
    tmp_path: Path, people: People, together: dict[Path, tuple[str, ...]], sface: Model, encoder: Encoder
) -> None:
    pair, _ = next(iter(together.items()))
    left, right = encoder.faces(pair)
    with Image.open(pair) as picture:
        wide = Image.new("RGB", (2 * picture.width, picture.height))
        wide.paste(picture, (0, 0))
    (tmp_path / "data" / "both").mkdir(parents=True)
    wide.save(tmp_path / "data" / "both" / "1.png")
    archive = open_identities(tmp_path / "data").archive
    (row,) = embed_pictures(sface, archive, ["both/1.png"], cache=tmp_path / "cache").embeddings
    assert row @ right.embedding > 0.9 > row @ left.embedding


def test_a_picture_that_cannot_be_got_out_of_its_archive_is_a_row_of_zeros(
    data: Path, tmp_path: Path, sface: Model
) -> None:
    identities = open_identities(data)
    names = identities.names()

    def failing(name: str) -> bytes:
        if name == names[1]:
            raise OSError("its sum is another")
        return identities.archive.read(name)

    broken = dataclasses.replace(identities.archive, read=failing)
    templates = embed_pictures(sface, broken, names, cache=tmp_path / "cache")
    assert templates.found.tolist() == [name != names[1] for name in names]


def test_what_the_system_refuses_to_read_is_no_picture_without_a_face(
    data: Path, tmp_path: Path, sface: Model
) -> None:
    """It passes, and a row of zeros would be kept for ever."""
    identities = open_identities(data)
    names, cache = identities.names(), tmp_path / "cache"

    def failing(name: str) -> bytes:
        if name == names[1]:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return identities.archive.read(name)

    broken = dataclasses.replace(identities.archive, read=failing)
    with pytest.raises(DataError, match="Too many open files") as caught:
        embed_pictures(sface, broken, names, cache=cache)
    assert names[1] in caught.value.message
    assert caught.value.hint
    assert embed_pictures(sface, identities.archive, names, cache=cache).found.all()


def test_a_name_that_is_no_utf8_is_a_name(data: Path, tmp_path: Path, sface: Model) -> None:
    odd = os.fsdecode(b"caf\xe9.jpg")
    try:
        (data / "Amara" / "1.jpg").rename(data / "Amara" / odd)
    except OSError:
        pytest.skip("this disk takes no such name")
    archive = open_identities(data).archive
    assert embed_pictures(sface, archive, [f"Amara/{odd}"], cache=tmp_path / "cache").found.all()


def test_an_interrupted_run_goes_on_where_it_stopped(
    data: Path, tmp_path: Path, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "PIECE", 2)
    identities = open_identities(data)
    names, cache = identities.names(), tmp_path / "cache"
    whole = embed_pictures(sface, identities.archive, names, cache=tmp_path / "other").embeddings
    read: list[str] = []

    def failing(name: str) -> bytes:
        read.append(name)
        if len(read) > 4:
            raise Broken
        return identities.archive.read(name)

    with pytest.raises(Broken):
        embed_pictures(sface, dataclasses.replace(identities.archive, read=failing), names, cache=cache)
    read.clear()
    resumed = embed_pictures(sface, dataclasses.replace(identities.archive, read=failing), names, cache=cache)
    assert sorted(read) == sorted(names[4:])
    np.testing.assert_array_equal(resumed.embeddings, whole)


@pytest.mark.parametrize("left", [0, 5, 200, -1])
def test_a_kept_piece_that_was_cut_short_is_made_again(
    data: Path, tmp_path: Path, sface: Model, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """And that one only."""
    monkeypatch.setattr(embedding, "PIECE", 2)
    identities = open_identities(data)
    names, cache = identities.names(), tmp_path / "cache"
    whole = embed_pictures(sface, identities.archive, names, cache=cache).embeddings
    _, damaged, _ = kept = sorted(cache.rglob("*.safetensors"))
    before = [piece.read_bytes() for piece in kept]
    damaged.write_bytes(before[1][:left])
    read: list[str] = []

    def reading(name: str) -> bytes:
        read.append(name)
        return identities.archive.read(name)

    for _ in range(2):
        again = embed_pictures(
            sface, dataclasses.replace(identities.archive, read=reading), names, cache=cache
        )
        np.testing.assert_array_equal(again.embeddings, whole)
        assert sorted(read) == sorted(names[2:4])
    assert [piece.read_bytes() for piece in kept] == before


@pytest.mark.parametrize("tensors", [{"others": np.ones((2, 4), np.float32)}, {"templates": np.ones((1, 4))}])
def test_a_kept_piece_that_holds_something_else_is_made_again(
    tmp_path: Path, tensors: dict[str, np.ndarray]
) -> None:
    (tmp_path / "0000000.safetensors").write_bytes(save(tensors))
    made = np.eye(2, 4, dtype=np.float32)
    for _ in range(2):
        (piece,) = in_pieces(tmp_path, 2, lambda rows: made[rows])
        np.testing.assert_array_equal(piece, made)


def test_other_pictures_have_other_templates(data: Path, tmp_path: Path, sface: Model) -> None:
    cache = tmp_path / "cache"
    identities = open_identities(data)
    embed_pictures(sface, identities.archive, identities.names(), cache=cache)
    (data / "Amara" / "2.jpg").unlink()
    fewer = open_identities(data)
    found = embed_pictures(sface, fewer.archive, fewer.names(), cache=cache)
    assert len(found.embeddings) == len(fewer.names()) == 5
