from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.datasets.dataset_makers import archive_of, toy_omniglot, write_people

from firstsight.datasets import Archive, open_lfw, splits
from firstsight.datasets.prepared import Item
from firstsight.datasets.splits import LAYOUTS, Split, labels, open_split
from firstsight.errors import DataError

Part = tuple[tuple[Archive, tuple[Item, ...]], ...]
people = st.lists(st.sampled_from("abcdefgh"), max_size=8)


def of(part: Part, kind: str = "identity") -> set[str]:
    return {getattr(item, kind) for _, items in part for item in items}


def names(part: Part) -> list[str]:
    return [item.name for _, items in part for item in items]


def toy_part(identities: Iterable[str]) -> Part:
    return ((archive_of({}), tuple(Item(f"{name}.png", name) for name in identities)),)


@given(people, people)
def test_nobody_is_on_both_sides(train: list[str], validation: list[str]) -> None:
    shared = set(train) & set(validation)
    if shared:
        with pytest.raises(DataError, match=f"^{min(shared)} is both in training and in validation"):
            Split(toy_part(train), toy_part(validation))
    elif len(set(train)) < 2:
        with pytest.raises(DataError, match=f"^{len(set(train))} identities are too few"):
            Split(toy_part(train), toy_part(validation))
    else:
        Split(toy_part(train), toy_part(validation))


def test_an_identity_of_two_archives_is_one() -> None:
    with pytest.raises(DataError, match=r"^b is both"):
        Split(toy_part("ab") + toy_part("c"), toy_part("d") + toy_part("b"))


@pytest.mark.parametrize("layout", ["folder", "celeba"])
def test_a_share_of_the_identities_of_a_folder_is_held_out(tmp_path: Path, layout: str) -> None:
    counts = {f"p{number:02d}": 2 for number in range(20)} | {"alone": 1}
    path = write_people(tmp_path / "data", counts)
    split = open_split(layout, "all", path, held_out=0.2)
    assert len(of(split.validation)) == 4
    assert of(split.train) | of(split.validation) == set(counts)
    assert sorted(names(split.train) + names(split.validation)) == sorted(
        f"{name}/{photo}.png" for name, count in counts.items() for photo in range(count)
    )
    assert split.pairs == ()
    again, other = (open_split(layout, "all", path, held_out=0.2, seed=seed) for seed in (0, 1))
    assert of(again.validation) == of(split.validation) != of(other.validation)
    everyone = open_split(layout, "all", path, held_out=0)
    assert everyone.validation == ()
    assert of(everyone.train) == set(counts)


def test_people_of_lfw_are_left_out_and_nobody_changes_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_people(tmp_path / "data", {f"{number:05d}": 2 for number in range(40)})
    whole = open_split("celeba", "all", path, held_out=0.25)
    known = frozenset([min(of(whole.train)), min(of(whole.validation)), "09999"])
    listed = tmp_path / "listed.txt"
    listed.write_text("# who\n" + "".join(f"{number}\n" for number in known))
    monkeypatch.setattr(splits, "PEOPLE_OF_LFW", listed)
    split = open_split("celeba", "without-lfw", path, held_out=0.25)
    assert of(split.train) == of(whole.train) - known
    assert of(split.validation) == of(whole.validation) - known
    with pytest.raises(DataError, match="no part 'without-lfw'"):
        open_split("folder", "without-lfw", path)


def test_who_has_one_picture_only_is_never_held_out(tmp_path: Path) -> None:
    several = {f"p{number}": 2 for number in range(6)}
    path = write_people(tmp_path / "data", several | {f"alone{number}": 1 for number in range(12)})
    # Nothing could be asked of them; the share is one of those who can be asked.
    held_out = of(open_split("folder", "all", path, held_out=0.5).validation)
    assert len(held_out) == 3
    assert held_out <= set(several)


@pytest.mark.parametrize(("people", "held_out"), [(5, 0), (6, 0), (10, 0), (14, 0), (15, 2), (20, 2)])
def test_nobody_is_held_out_alone(tmp_path: Path, people: int, held_out: int) -> None:
    """Whom would they be told from? They train, then."""
    path = write_people(tmp_path / "data", {f"p{number:02d}": 2 for number in range(people)})
    split = open_split("folder", "all", path)
    assert len(of(split.validation)) == held_out
    assert len(of(split.train)) == people - held_out
    assert bool(split.validation) == bool(held_out)


def test_an_item_knows_its_identity(tmp_path: Path) -> None:
    split = open_split("folder", "all", write_people(tmp_path / "data", {"ann": 2, "bob": 1}), held_out=0)
    assert split.train[0][1] == (
        Item("ann/0.png", "ann"),
        Item("ann/1.png", "ann"),
        Item("bob/0.png", "bob"),
    )


def test_folders_with_too_little(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures in folders"):
        open_split("folder", "all", tmp_path / "empty")
    with pytest.raises(DataError, match="no data set"):
        open_split("folder", "all", tmp_path / "missing")
    one = write_people(tmp_path / "one", {"ann": 5})
    with pytest.raises(DataError, match=r"^1 identities are too few") as caught:
        open_split("folder", "all", one)
    assert "sub-folder" in caught.value.hint
    few = write_people(tmp_path / "few", {"ann": 2, "bob": 2, "cid": 2})
    with pytest.raises(DataError, match="too few"):
        open_split("folder", "all", few, held_out=0.9)


@pytest.mark.parametrize(
    ("layout", "part"),
    [("folder", "half"), ("omniglot", "all"), ("omniglot", "background-0"), ("omniglot", "background-30")]
    + [("lfw", part) for part in ("all", "fold-0", "fold-11", "folds-5-1", "folds-1-11", "fold-x", "view2")],
)
def test_unknown_parts(tmp_path: Path, layout: str, part: str) -> None:
    path = toy_omniglot(tmp_path / "data")
    if layout != "omniglot":
        path = write_people(tmp_path / "lfw", {"ann": 2, "bob": 2})
    with pytest.raises(DataError, match=f"The layout {layout} has no part '{part}'") as caught:
        open_split(layout, part, path)
    assert "Known" in caught.value.hint


def test_unknown_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no layout 'mnist'") as caught:
        open_split("mnist", "all", tmp_path)
    assert all(layout in caught.value.hint for layout in LAYOUTS)


@pytest.mark.parametrize(
    ("part", "count"), [("background-1", 1), ("background-25", 25), ("background-29", 29)]
)
def test_so_many_alphabets_train_and_the_others_validate(tmp_path: Path, part: str, count: int) -> None:
    split = open_split("omniglot", part, toy_omniglot(tmp_path / "data"))
    train, validation = (of(side, "group") for side in (split.train, split.validation))
    assert len(train) == count
    assert len(train | validation) == 30
    assert not train & validation
    assert len(names(split.train)) == count * 3 * 20


def test_all_of_the_background_trains(tmp_path: Path) -> None:
    split = open_split("omniglot", "background", toy_omniglot(tmp_path / "data"))
    assert (len(of(split.train, "group")), len(of(split.train)), split.validation) == (30, 90, ())


def test_folds_by_their_numbers() -> None:
    assert list(splits.tested_folds("fold-3")) == [3]
    assert list(splits.tested_folds("fold-10")) == [10]
    assert list(splits.tested_folds("folds-1-5")) == [1, 2, 3, 4, 5]
    assert list(splits.tested_folds("folds-6-10")) == [6, 7, 8, 9, 10]
    assert not splits.tested_folds("view1")
    assert not splits.tested_folds("fold-3 ")


def test_labels_number_identities_and_groups() -> None:
    items = [Item("1", "b/x", "b"), Item("2", "a/x", "a"), Item("3", "b/y", "b"), Item("4", "b/x", "b")]
    identity, group = labels(items)
    assert identity.tolist() == [1, 0, 2, 1]
    assert group.tolist() == [1, 0, 1, 1]
    assert labels([Item("1", "p"), Item("2", "q")])[1].tolist() == [0, 0]


def test_the_real_paper_split(shared_data: Path) -> None:
    split = open_split("omniglot", "paper", shared_data / "omniglot")
    assert (len(of(split.train, "group")), len(of(split.validation, "group"))) == (30, 10)
    assert not of(split.train, "group") & of(split.validation, "group")
    assert not of(split.train) & of(split.validation)
    drawers = [{name[-6:-4] for name in names(side)} for side in (split.train, split.validation)]
    assert drawers == [{f"{number:02d}" for number in range(1, 13)}, {"13", "14", "15", "16"}]
    assert len(names(split.train)) == 964 * 12
    # The class is the character: as many of them as the paper's data have.
    assert len(of(split.train)) == 964


def test_the_real_background_is_split_by_alphabet(shared_data: Path) -> None:
    split = open_split("omniglot", "background-25", shared_data / "omniglot")
    assert (len(of(split.train, "group")), len(of(split.validation, "group"))) == (25, 5)
    assert not of(split.train, "group") & of(split.validation, "group")
    assert len(of(split.train)) + len(of(split.validation)) == 964
    assert len(names(split.train)) + len(names(split.validation)) == 964 * 20
    assert all(item.identity.startswith(f"{item.group}/") for _, items in split.train for item in items)


def test_the_real_view_one(shared_data: Path) -> None:
    split = open_split("lfw", "view1", shared_data / "lfw")
    assert (len(of(split.train)), len(of(split.validation))) == (4_038, 1_711)
    assert not of(split.train) & of(split.validation)
    assert len(names(split.train)) + len(names(split.validation)) == 13_233
    assert len(split.pairs) == 1_000
    held_out = set(names(split.validation))
    assert {name for pair in split.pairs for name in (pair.left, pair.right)} <= held_out


def test_the_real_folds_leave_out_everybody_who_is_tested(shared_data: Path) -> None:
    lfw = open_lfw(shared_data / "lfw")
    folds = lfw.fold_people()
    view2 = [
        {name for pair in fold for name in (pair.left_person, pair.right_person)} for fold in lfw.view2()
    ]
    late = open_split("lfw", "folds-1-5", shared_data / "lfw")
    assert of(late.train) == frozenset().union(*folds[5:])
    assert not of(late.train) & set().union(*view2[:5])
    assert set().union(*view2[5:]) <= of(late.train)
    assert late.validation == ()
    one = open_split("lfw", "fold-3", shared_data / "lfw")
    assert of(one.train) == frozenset().union(*folds[:2], *folds[3:])
    assert not of(one.train) & view2[2]
