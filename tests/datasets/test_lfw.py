from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from firstsight.datasets import open_lfw
from firstsight.errors import DataError

FOLDS, EACH = 10, 2


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Ten folds of two mated and two other pairs."""
    rows = [f"{FOLDS}\t{EACH}"]
    for fold in range(FOLDS):
        for number in (2 * fold, 2 * fold + 1):
            folder = tmp_path / "lfw" / f"P{number}"
            folder.mkdir(parents=True)
            for photo in (1, 2):
                (folder / f"P{number}_{photo:04d}.jpg").touch()
        rows += [f"P{2 * fold}\t1\t2", f"P{2 * fold + 1}\t2\t1"]
        rows += [f"P{2 * fold}\t1\tP{2 * fold + 1}\t2"] * 2
    (tmp_path / "pairs.txt").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_view_two_as_published(toy: Path) -> None:
    folds = open_lfw(toy).view2()
    assert [len(fold) for fold in folds] == [2 * EACH] * FOLDS
    mated, _, other, _ = folds[3]
    assert (mated.left, mated.right) == ("P6/P6_0001.jpg", "P6/P6_0002.jpg")
    assert mated.mated
    assert (other.left_person, other.right_person, other.mated) == ("P6", "P7", False)
    assert other.right == "P7/P7_0002.jpg"


def test_the_folder_of_the_photos_will_do_as_well(toy: Path) -> None:
    assert open_lfw(toy / "lfw").view2() == open_lfw(toy).view2()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10\t2", "10"),
        ("10\t2", "9\t2"),
        ("10\t2", "10\t3"),
        ("P6\t1\t2", "P6\t1\t9"),
        ("P6\t1\t2", "Nobody\t1\t2"),
        ("P6\t1\t2", "P6\t1"),
        ("P6\t1\t2", "P6\tone\ttwo"),
        ("P6\t1\t2", "P6\t1\tP7\t2"),
    ],
)
def test_lists_that_are_not_as_published(toy: Path, old: str, new: str) -> None:
    place = toy / "pairs.txt"
    place.write_text(place.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=r"pairs\.txt"):
        open_lfw(toy).view2()


def test_missing_parts(toy: Path) -> None:
    with pytest.raises(DataError, match="pairsDevTrain"):
        open_lfw(toy).view1("train")
    with pytest.raises(DataError, match="no folder"):
        open_lfw(toy / "pairs.txt")
    with pytest.raises(DataError, match="no photos"):
        open_lfw(toy / "lfw" / "P1")


def test_people_in_both_lists_of_view_one(toy: Path) -> None:
    (toy / "peopleDevTrain.txt").write_text("2\nP1\t2\nP2\t2\n")
    (toy / "peopleDevTest.txt").write_text("1\nP3\t2\n")
    assert open_lfw(toy).view1_people("train") == {"P1", "P2"}
    (toy / "peopleDevTest.txt").write_text("1\nP2\t2\n")
    with pytest.raises(DataError, match="P2 is in both"):
        open_lfw(toy).view1_people("train")


def test_people_of_the_folds_of_view_two(toy: Path) -> None:
    people = toy / "people.txt"
    folds = [f"2\nP{2 * fold}\t2\nP{2 * fold + 1}\t2\n" for fold in range(FOLDS)]
    people.write_text(f"{FOLDS}\n{''.join(folds)}")
    found = open_lfw(toy).fold_people()
    assert found == [{f"P{2 * fold}", f"P{2 * fold + 1}"} for fold in range(FOLDS)]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("10\n2\nP0\t2\n", "9\n2\nP0\t2\n"),
        ("10\n2\nP0\t2\n", "11\n2\nP0\t2\n"),
        ("10\n2\nP0\t2\n", "ten\n2\nP0\t2\n"),
        ("P7\t2\n", ""),
        ("P19\t2\n", ""),
        ("P7\t2\n", "P2\t2\n"),
        ("P7\t2\n", "P6\t2\n"),
        ("P19\t2\n", "P19\t2\nP20\t2\n"),
    ],
)
def test_a_list_of_people_that_is_not_as_published(toy: Path, old: str, new: str) -> None:
    folds = [f"2\nP{2 * fold}\t2\nP{2 * fold + 1}\t2\n" for fold in range(FOLDS)]
    whole = f"{FOLDS}\n{''.join(folds)}"
    assert whole.count(old) == 1
    (toy / "people.txt").write_text(whole.replace(old, new))
    with pytest.raises(DataError, match=r"people\.txt is not as published"):
        open_lfw(toy).fold_people()


def test_lists_that_are_empty_or_no_text(toy: Path) -> None:
    for name in ("pairs.txt", "people.txt", "pairsDevTest.txt", "peopleDevTrain.txt"):
        (toy / name).write_text("\n")
    lfw = open_lfw(toy)
    for read in (lfw.view2, lfw.fold_people, partial(lfw.view1, "test"), partial(lfw.view1_people, "train")):
        with pytest.raises(DataError, match="is empty"):
            read()
    (toy / "pairs.txt").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DataError, match=r"pairs\.txt is no text"):
        lfw.view2()


def test_the_real_lists(shared_data: Path) -> None:
    lfw = open_lfw(shared_data / "lfw")
    assert len(lfw.identities.names()) == 13_233
    assert len(lfw.identities.pictures) == 5_749
    folds = lfw.view2()
    assert sum(pair.mated for fold in folds for pair in fold) == 3_000
    assert len(lfw.view1("train")) == 2_200
    assert len(lfw.view1("test")) == 1_000
    train, test = lfw.view1_people("train"), lfw.view1_people("test")
    assert (len(train), len(test)) == (4_038, 1_711)
    assert not train & test
    # No person is in two folds.
    people = [{pair.left_person for pair in fold} | {pair.right_person for pair in fold} for fold in folds]
    assert sum(map(len, people)) == len(set().union(*people))
    # Everybody is in one of them, and whom the pairs name is in the same one.
    listed = lfw.fold_people()
    assert frozenset().union(*listed) == frozenset(lfw.identities.pictures)
    assert sum(map(len, listed)) == 5_749
    assert all(named <= known for named, known in zip(people, listed, strict=True))
