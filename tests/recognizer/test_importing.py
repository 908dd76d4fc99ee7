from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from firstsight.errors import InvalidName, NoFace, SeveralFaces, UsageError
from firstsight.recognizer import Encoder, Recognizer
from firstsight.recognizer.importing import Choices, find_photos, import_photos, support_set

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


def test_an_import_and_its_second_run(recognizer: Recognizer, folder: Path) -> None:
    first = list(import_photos(recognizer, find_photos(folder), Choices(consent="signed")))
    assert all(outcome.enrolled for outcome in first)
    people = {person.name: person for person in recognizer.people()}
    assert sorted(person.templates for person in people.values()) == [1, 2, 2]
    assert {person.consent for person in people.values()} == {"signed"}
    again = list(import_photos(recognizer, find_photos(folder), Choices()))
    assert not any(outcome.enrolled or outcome.error for outcome in again)
    assert recognizer.store.count_templates() == 5


def test_an_interrupted_import_goes_on(recognizer: Recognizer, folder: Path) -> None:
    started = import_photos(recognizer, find_photos(folder), Choices())
    next(started)
    next(started)
    del started
    rest = list(import_photos(recognizer, find_photos(folder), Choices()))
    assert [outcome.enrolled for outcome in rest] == [False, False, True, True, True]


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
