from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from firstsight.errors import (
    GalleryUnavailable,
    ImageMissing,
    ImageUnreadable,
    InvalidName,
    NoFace,
    SeveralFaces,
    UsageError,
)
from firstsight.gallery import Person
from firstsight.gallery.copying import everybody
from firstsight.recognizer import Encoder, Recognizer, importing
from firstsight.recognizer.importing import (
    Choices,
    Outcome,
    find_people,
    find_photos,
    import_photos,
    support_set,
)

People = dict[str, list[Path]]


@pytest.fixture
def recognizer(encoder: Encoder, tmp_path: Path) -> Iterator[Recognizer]:
    with Recognizer(tmp_path / "people.db", model=encoder) as opened:
        yield opened


@pytest.fixture
def folder(people: People, tmp_path: Path) -> Path:
    """Two people with a sub-folder, one with a file, and what does not count."""
    root = tmp_path / "photos"
    first, second, third = list(people.items())[:3]
    for name, pictures in (first, second):
        (root / name).mkdir(parents=True)
        for picture in pictures[:2]:
            shutil.copy(picture, root / name)
    shutil.copy(third[1][0], root / f"{third[0]}.JPG")
    (root / "notes.txt").write_text("hello")
    (root / ".hidden").mkdir()
    shutil.copy(first[1][0], root / ".hidden" / "x.jpg")
    return root


def test_photos_are_found_with_their_people(folder: Path, people: People) -> None:
    first, second, third, *_ = people
    found = find_photos(folder)
    assert [(photo.person, photo.label) for photo in found] == sorted(
        [
            (first, f"{first}/1.jpg"),
            (first, f"{first}/2.jpg"),
            (second, f"{second}/1.jpg"),
            (second, f"{second}/2.jpg"),
            (third, f"{third}.JPG"),
        ],
        key=lambda row: folder / row[1],
    )


def test_whose_photos_lie_deeper_and_which_are_nobody_s(tmp_path: Path) -> None:
    labels = [
        "Amara/2023/1.jpg",
        "Amara/2024/1.avif",
        "Amara/3.JPG",
        "Bruno/2024/1.jpg",
        "Cy.png",
        "Cy/1.png",
    ]
    unseen = [".thumbnails/normal/abc.png", "Ada/.ipynb_checkpoints/x.jpg", "__MACOSX/ph/Ada/1.jpg"]
    for label in [*labels, *unseen]:
        (tmp_path / label).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / label).touch()
    (tmp_path / "folder.png").mkdir()
    assert [(photo.person, photo.label, photo.path) for photo in find_photos(tmp_path)] == [
        (person, label, tmp_path / label)
        for person, label in zip(["Amara"] * 3 + ["Bruno", "Cy", "Cy"], sorted(labels, key=Path), strict=True)
    ]


@pytest.mark.parametrize(
    ("labels", "doubtful", "named"),
    [
        (["team-a/Ada/1.jpg"], "team-a/Ada/1.jpg", "'team-a' or of 'Ada'"),
        (["Amara/1.jpg", "Amara/2023/2.jpg"], "Amara/2023/2.jpg", "'Amara' or of '2023'"),
        (["team-a/group.jpg", "team-a/Ada/1.jpg"], "team-a/Ada/1.jpg", "'team-a' or of 'Ada'"),
        (["Zoe/1.jpg", "x/y/Zoe/1.jpg"], "x/y/Zoe/1.jpg", "'x' or of 'Zoe'"),
    ],
)
def test_nobody_is_enrolled_from_folders_that_may_be_people_s_or_groups(
    tmp_path: Path, labels: list[str], doubtful: str, named: str
) -> None:
    """Taken for one person, all of a team would be that person from then on."""
    for label in labels:
        (tmp_path / label).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / label).touch()
    for found in (find_people, support_set):
        with pytest.raises(UsageError, match=named) as refused:
            found(tmp_path)
        assert doubtful in refused.value.message
        assert str(tmp_path / doubtful.split("/")[0]) in str(refused.value.hint)
    assert len(find_photos(tmp_path)) == len(
        labels
    )  # whose they are is all the same where nobody is enrolled


def test_whose_photos_are_told_by_one_folder(tmp_path: Path) -> None:
    labels = ["Ada/1.jpg", "Ada/2.jpg", "Bob/Bob/1.jpg", "Cy.png"]
    for label in labels:
        (tmp_path / label).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / label).touch()
    assert [photo.person for photo in find_people(tmp_path)] == ["Ada", "Ada", "Bob", "Cy"]


def test_photos_of_a_kind_that_is_not_read_are_refused_by_name(recognizer: Recognizer, folder: Path) -> None:
    """Passed over, a whole person could be missing while the report says that nobody was refused."""
    (folder / "Zoe").mkdir()
    (folder / "Zoe" / "IMG_0001.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder / "Zoe" / "notes.txt").write_text("no photo")
    outcomes = [each for each in import_photos(recognizer, find_photos(folder), Choices()) if each.error]
    assert [(outcome.photo.label, type(outcome.error)) for outcome in outcomes] == [
        ("Zoe/IMG_0001.HEIC", ImageUnreadable)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="not everybody may make links there")
def test_links_are_followed_or_refused_by_name(recognizer: Recognizer, folder: Path, tmp_path: Path) -> None:
    """Passed over, a whole person would be missing while the report says that nobody was refused."""
    before = [photo.label for photo in find_photos(folder)]
    elsewhere = tmp_path / "elsewhere" / "Nas"
    shutil.copytree(folder / before[0].split("/")[0], elsewhere)
    (elsewhere / "around").symlink_to(elsewhere)
    (folder / "around").symlink_to(folder)
    (folder / "Nas").symlink_to(Path("..") / "elsewhere" / "Nas")
    (folder / "Kl").mkdir()
    gone = ["Ines.jpg", "Kl/1.jpg", "Zed"]
    for label in gone:
        (folder / label).symlink_to(tmp_path / "gone")
    (folder / "self.png").symlink_to("self.png")
    (folder / ".lock").symlink_to("nowhere")
    found = [photo.label for photo in find_people(folder)]
    assert sorted(found) == sorted([*before, "Nas/1.jpg", "Nas/2.jpg", *gone, "self.png"])
    outcomes = {each.photo.label: each for each in import_photos(recognizer, find_people(folder), Choices())}
    assert {label for label, outcome in outcomes.items() if outcome.error} == {*gone, "self.png"}
    for label in gone:
        error = outcomes[label].error
        assert isinstance(error, ImageMissing)
        assert "is a link that leads nowhere" in error.message
    assert {"Nas"} < {person.name for person in recognizer.people()}


def test_a_folder_that_may_not_be_read_is_refused_by_name(
    recognizer: Recognizer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Zed", ".locked"):
        (folder / name).mkdir()
    scan = os.scandir

    def scandir(place: Any) -> Any:  # root may read every folder
        if Path(place).name in ("Zed", ".locked"):
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place).name != "Zed")
    (refused,) = [each for each in import_photos(recognizer, find_people(folder), Choices()) if each.error]
    assert refused.photo.label == "Zed"
    assert isinstance(refused.error, ImageMissing)
    assert "may not be read" in refused.error.message


def test_an_import_and_its_second_run(recognizer: Recognizer, folder: Path) -> None:
    first = list(import_photos(recognizer, find_photos(folder), Choices(consent="signed")))
    assert all(outcome.enrolled for outcome in first)
    people = {person.name: person for person in recognizer.people()}
    assert sorted(person.templates for person in people.values()) == [1, 2, 2]
    assert {person.consent for person in people.values()} == {"signed"}
    again = list(import_photos(recognizer, find_photos(folder), Choices()))
    assert not any(outcome.enrolled or outcome.error for outcome in again)
    assert recognizer.store.count_templates() == 5


def test_an_import_holds_what_one_after_the_other_would(
    recognizer: Recognizer, encoder: Encoder, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(next(folder.glob("*/")), folder / "Zoë")
    photos = find_photos(folder)
    list(import_photos(recognizer, photos, Choices(notes="all", keep_crops=True), workers=2))
    with Recognizer(tmp_path / "other.db", model=encoder) as other:
        for photo in photos:
            other.enroll(photo.person, photo.path, notes="all", keep_crops=True, source=photo.label)
        pairs = list(zip(everybody(recognizer.store), everybody(other.store), strict=True))
        assert len(pairs) == 4
        for mine, theirs in pairs:
            assert replace(mine, created=theirs.created) == theirs
            held = zip(recognizer.store.held(mine.id), other.store.held(theirs.id), strict=True)
            for (template, new), (known, old) in held:
                assert replace(template, created=known.created) == known
                assert new.crop == old.crop
                assert new.embedding @ old.embedding > 0.99999


def test_an_interrupted_import_goes_on(
    recognizer: Recognizer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    monkeypatch.setattr(importing, "LONGEST", float("inf"))
    started = import_photos(recognizer, find_photos(folder), Choices())
    for _ in range(3):
        next(started)
    started.close()
    assert recognizer.store.count_templates() == 4  # what was acknowledged, and the rest of its change
    rest = list(import_photos(recognizer, find_photos(folder), Choices()))
    assert [outcome.enrolled for outcome in rest] == [False, False, False, False, True]
    assert recognizer.store.count_templates() == 5


def test_what_was_acknowledged_is_kept_when_the_gallery_fails(
    recognizer: Recognizer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    monkeypatch.setattr(importing, "LONGEST", float("inf"))
    store, add_each = recognizer.store, recognizer.store.add_each
    changes = 0

    def failing(*given: Any, **noted: Any) -> list[Person]:
        nonlocal changes
        changes += 1
        if changes == 2:
            raise GalleryUnavailable("The disk is full.")
        return add_each(*given, **noted)

    monkeypatch.setattr(store, "add_each", failing)
    acknowledged: list[Outcome] = []
    with pytest.raises(GalleryUnavailable):
        acknowledged.extend(import_photos(recognizer, find_photos(folder), Choices()))
    assert changes == 2
    kept = {template.source for person in store.people() for template in store.templates(person.name)}
    assert kept == {photo.label for photo in find_photos(folder)[:2]}


def test_a_name_that_is_no_text_is_passed_over_too(
    recognizer: Recognizer, people: People, tmp_path: Path
) -> None:
    root = tmp_path / "odd" / "Ada"
    root.mkdir(parents=True)
    try:
        shutil.copy(next(iter(people.values()))[0], root / "\udce9.jpg")
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    for enrolled in (True, False):
        (outcome,) = import_photos(recognizer, find_photos(root.parent), Choices())
        assert outcome.enrolled is enrolled
    assert recognizer.store.count_templates() == 1


def test_what_is_refused_does_not_stop_the_others(
    recognizer: Recognizer, folder: Path, together: dict[Path, tuple[str, ...]]
) -> None:
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "empty.png").touch()
    shutil.copy(next(iter(together)), folder / "pair.jpg")
    (folder / ("x" * 201)).mkdir()
    shutil.copy(next(iter(folder.glob("*/1.jpg"))), folder / ("x" * 201))
    outcomes = list(import_photos(recognizer, find_photos(folder), Choices()))
    errors = {outcome.photo.label[:9]: outcome.error for outcome in outcomes if outcome.error}
    assert {label: type(error).__name__ for label, error in errors.items()} == {
        "broken.jp": "ImageUnreadable",
        "empty.png": "ImageUnreadable",
        "pair.jpg": SeveralFaces.__name__,
        "x" * 9: InvalidName.__name__,
    }
    assert sum(outcome.enrolled for outcome in outcomes) == 5
    assert {person.name for person in recognizer.people()}.isdisjoint({"broken", "empty", "pair"})


def test_folders_that_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no folder"):
        find_photos(tmp_path / "missing")
    with pytest.raises(UsageError, match="holds no pictures"):
        find_photos(tmp_path)


def test_a_support_set_has_one_picture_of_each(folder: Path, tmp_path: Path, people: People) -> None:
    with pytest.raises(UsageError, match="more than one photo"):
        support_set(folder)
    for picture in folder.glob("*/2.jpg"):
        picture.unlink()
    assert list(support_set(folder)) == sorted(list(people)[:3])


def test_a_photo_without_a_face_names_the_photo(recognizer: Recognizer, folder: Path) -> None:
    Image.new("RGB", (80, 80), "gray").save(folder / "wall.png")
    (refused,) = [
        outcome.error
        for outcome in import_photos(recognizer, find_photos(folder), Choices())
        if outcome.error
    ]
    assert isinstance(refused, NoFace)
    assert "wall.png" in str(refused)
