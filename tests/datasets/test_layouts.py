from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.datasets.dataset_makers import toy_omniglot, write_people

from firstsight.datasets.layouts import Counts, check_layout, check_published
from firstsight.errors import DataError, UsageError

TOY = Counts(background=90, evaluation=60)


def test_omniglot_is_held_against_its_counts(tmp_path: Path) -> None:
    folder = toy_omniglot(tmp_path / "omniglot")
    for path in (folder, folder / "all_runs.zip"):
        found = check_published("omniglot", path, counts=TOY)
        assert (found.path, found.identities, found.pictures) == (folder, 150, 3000)
    with pytest.raises(DataError, match=r"images_background\.zip has 90 characters, not 964"):
        check_published("omniglot", folder)
    with pytest.raises(DataError, match=r"images_evaluation\.zip has 60 characters, not 659"):
        check_published("omniglot", folder, counts=Counts(background=90))


def test_a_character_that_one_person_drew_twice(tmp_path: Path) -> None:
    folder = toy_omniglot(tmp_path)
    old, new = folder / "images_evaluation.zip", folder / "new.zip"
    with zipfile.ZipFile(old) as read, zipfile.ZipFile(new, "w") as made:
        for name in read.namelist():
            made.writestr(name.replace("Tibetan/character02/0001_20", "Tibetan/character02/0002_19"), b"")
    new.replace(old)
    with pytest.raises(DataError, match="Tibetan/character02 is not drawn by each"):
        check_published("omniglot", folder, counts=TOY)


def test_real_lfw_is_whole_and_a_part_of_it_is_not(shared_data: Path, tmp_path: Path) -> None:
    found = check_published("lfw", shared_data / "lfw")
    assert (found.identities, found.pictures) == (5_749, 13_233)
    for lost in ("pairs.txt", "pairsDevTrain.txt", "people.txt", "peopleDevTest.txt"):
        folder = tmp_path / lost
        folder.mkdir()
        for one in (shared_data / "lfw").iterdir():
            if one.name != lost:
                (folder / one.name).symlink_to(one)
        with pytest.raises(DataError, match=lost):
            check_published("lfw", folder)


def test_lfw_with_photos_missing(tmp_path: Path) -> None:
    write_people(tmp_path / "lfw", {"Ann": 2, "Bob": 1})
    with pytest.raises(DataError, match="3 photos of 2 people, not 13,233 of 5,749"):
        check_published("lfw", tmp_path)


@pytest.mark.parametrize("layout", ["celeba", "folder"])
def test_other_layouts_have_any_number(tmp_path: Path, layout: str) -> None:
    found = check_published(layout, write_people(tmp_path / "mine", {"Ann": 2, "Bob": 1}))
    assert (found.path, found.identities, found.pictures) == (tmp_path / "mine", 2, 3)


def test_what_cannot_be_meant(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no layout 'mnist'"):
        check_published("mnist", tmp_path)
    check_layout("lfw", download=True)
    with pytest.raises(DataError) as raised:
        check_layout("celeba", download=True)
    assert "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html" in raised.value.hint
    with pytest.raises(DataError, match="cannot be downloaded"):
        check_layout("folder", download=True)
