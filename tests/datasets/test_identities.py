from __future__ import annotations

from pathlib import Path

import pytest
from tests.datasets.dataset_makers import archive_of
from tests.datasets.test_archive import FILES, pack

from firstsight.datasets import Identities, open_identities, owners
from firstsight.datasets.identities import group
from firstsight.errors import DataError
from firstsight.images import ENDINGS


def of(*names: str) -> Identities:
    return group(archive_of(dict.fromkeys(names, b"")))


def test_identities_are_the_folders_of_pictures(tmp_path: Path) -> None:
    identities = open_identities(pack(tmp_path / "data", "folder", FILES))
    assert dict(identities.pictures) == {
        "ann": ("set/ann/1.jpg",),
        "bob": ("set/bob/1.JPG", "set/bob/2.png"),
    }
    assert identities.names() == ["set/ann/1.jpg", "set/bob/1.JPG", "set/bob/2.png"]
    assert identities.labels() == ["ann", "bob", "bob"]
    assert list(identities.only(frozenset({"bob"})).pictures) == ["bob"]


def test_a_folder_without_pictures_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        open_identities(tmp_path)


@pytest.mark.parametrize("top", ["", "./", "lfw-deepfunneled/", "data/celeba_crop128/"])
def test_whatever_lies_around_the_folders_of_an_archive(top: str) -> None:
    names = [f"{top}Ada_Lovelace/Ada_Lovelace_0001.jpg", f"{top}00001/014042.webp", f"{top}00001/023004.webp"]
    assert dict(of(*names).pictures) == {"00001": tuple(names[1:]), "Ada_Lovelace": (names[0],)}


def test_parts_of_a_data_set_with_identities_of_their_own() -> None:
    assert list(of("train/n1/1.jpg", "train/n2/1.jpg", "test/n3/1.jpg").pictures) == ["n1", "n2", "n3"]


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_two_folders_of_one_name_are_not_made_one_identity(tmp_path: Path, kind: str) -> None:
    path = pack(tmp_path / "ph", kind, {"Amara/2024/1.jpg": b"1", "Bruno/2024/1.jpg": b"2"})
    with pytest.raises(DataError, match=r"ph holds 'Amara/2024' and 'Bruno/2024'") as caught:
        open_identities(path)
    assert "one folder" in caught.value.hint
    # Where their names tell them apart, other folders may have one name.
    assert list(of("a/2024/Amara/1.jpg", "b/2024/Bruno/1.jpg").pictures) == ["Amara", "Bruno"]


UNSEEN = (
    ".thumbnails/normal/abc.png",
    "Ada/.ipynb_checkpoints/x.jpg",
    "__MACOSX/photos/Ada/._1.jpg",
    "__MACOSX/photos/Ada/1.jpg",
    "photos/__MACOSX/Ada/1.jpg",
    "Ada/._1.jpg",
    ".git/Ada/1.jpg",
)


def test_what_programs_keep_beside_pictures_is_nobody(tmp_path: Path) -> None:
    files = dict.fromkeys((*UNSEEN, "photos/Ada/1.jpg"), b"")
    assert dict(open_identities(pack(tmp_path / "ph", "folder", files)).pictures) == {
        "Ada": ("photos/Ada/1.jpg",)
    }
    with pytest.raises(DataError, match="no pictures in folders"):
        of(*UNSEEN)


def test_names_that_are_one_somewhere_are_one_there() -> None:
    names = ["a/Ada/1.jpg", "b/ada/1.jpg"]
    assert list(owners(names, "ph").values()) == ["Ada", "ada"]
    with pytest.raises(DataError, match="'a/Ada' and 'b/ada'"):
        owners(names, "ph", known_as=str.lower)


@pytest.mark.parametrize("ending", [ending for endings in ENDINGS.values() for ending in endings])
def test_pictures_of_every_format_are_found(ending: str) -> None:
    assert of(f"Ada/1{ending}", f"Ada/2{ending.upper()}").names() == [
        f"Ada/1{ending}",
        f"Ada/2{ending.upper()}",
    ]
