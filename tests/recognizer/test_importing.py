from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from firstsight.errors import (
    GalleryUnavailable,
    ImageUnreadable,
    InvalidName,
    NoFace,
    SeveralFaces,
    UsageError,
)
from firstsight.gallery import Person
from firstsight.gallery.copying import everybody
from firstsight.recognizer import Encoder, Recognizer, importing
from firstsight.recognizer.importing import Choices, Outcome, find_photos, import_photos, support_set

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


def test_photos_of_a_kind_that_is_not_read_are_refused_by_name(recognizer: Recognizer, folder: Path) -> None:
    """Passed over, a whole person could be missing while the report says that nobody was refused."""
    (folder / "Zoe").mkdir()
    (folder / "Zoe" / "IMG_0001.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (folder / "Zoe" / "notes.txt").write_text("no photo")
    outcomes = [each for each in import_photos(recognizer, find_photos(folder), Choices()) if each.error]
    assert [(outcome.photo.label, type(outcome.error)) for outcome in outcomes] == [
        ("Zoe/IMG_0001.HEIC", ImageUnreadable)
    ]


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
    shutil.copytree(next(folder.glob("*/")), folder / "zz" / "Zoë")  # by its first folder
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
