from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.datasets.dataset_makers import prepared_of

from firstsight.datasets.prepared import (
    INDEX,
    PIXELS,
    Item,
    Prepared,
    View,
    digest,
    is_prepared,
    open_prepared,
    write_index,
)
from firstsight.errors import DataError

ITEMS = (Item("a/1.png", "a/x", "a"), Item("a/2.png", "a/x", "a"), Item("b/ü.png", "b/y", "b"))
VIEW = View(4, 3, ((1.0, 1.5), (3.0, 1.5), (2.0, 2.0), (1.0, 3.0), (3.0, 3.0)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / PIXELS, np.arange(3 * 4 * 4 * 3, dtype=np.uint8).reshape(3, 4, 4, 3))
    write_index(tmp_path, ITEMS, VIEW, "made", ["c.png: damaged"])
    return tmp_path


def test_what_was_written_is_opened(folder: Path) -> None:
    assert is_prepared(folder)
    prepared = open_prepared(folder)
    assert prepared.items == ITEMS
    assert prepared.view == VIEW
    assert (prepared.digest, prepared.unreadable) == ("made", ("c.png: damaged",))
    assert isinstance(prepared.pixels, np.memmap)
    assert (prepared.pixels.ravel() == np.arange(144)).all()


def test_pixels_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_prepared(folder).pixels[0] = 1


def test_which_pictures_have_a_row_counts_where_some_were_left_out() -> None:
    def selection(names: str, unreadable: tuple[str, ...]) -> str:
        items = tuple(Item(name, "id") for name in names)
        return Prepared(np.empty(0, np.uint8), items, View(4, 3), "digest", unreadable).selection

    assert selection("abc", ()) == ""
    few = [selection(names, ("x: why",)) for names in ("ab", "ac", "a")]
    assert len({"", *few}) == 4
    assert selection("ab", ("x: another reason",)) == few[0]


def test_rows_by_name() -> None:
    prepared = prepared_of(np.zeros((4, 2, 2, 1), np.uint8))
    rows = prepared.rows(["3.png", "0.png", "3.png"])
    assert rows.tolist() == [3, 0, 3]
    assert rows.dtype == np.intp
    with pytest.raises(DataError, match=r"9\.png"):
        prepared.rows(["0.png", "9.png"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (INDEX, b""),
        (INDEX, b"[1, 2]"),
        (INDEX, b"\xff\xfe"),
        (INDEX, b"{}"),
        (PIXELS, b""),
        (PIXELS, b"no array at all"),
    ],
)
def test_damaged_files(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match="no prepared data set") as caught:
        open_prepared(folder)
    assert str(folder) in caught.value.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("side", 5),
        ("channels", 1),
        ("points", [1, 2]),
        ("items", [["a/1.png", "a"]]),
        ("items", [["a", "b", "c", "d"]] * 3),
    ],
)
def test_an_index_that_does_not_fit(folder: Path, key: str, value: Any) -> None:
    index = json.loads((folder / INDEX).read_text("utf-8"))
    (folder / INDEX).write_text(json.dumps(index | {key: value}), "utf-8")
    with pytest.raises(DataError, match="no prepared data set"):
        open_prepared(folder)


def test_pixels_that_are_cut_short_or_of_another_type(folder: Path) -> None:
    whole = (folder / PIXELS).read_bytes()
    (folder / PIXELS).write_bytes(whole[:-1])
    with pytest.raises(DataError):
        open_prepared(folder)
    np.save(folder / PIXELS, np.zeros((3, 4, 4, 3), np.float32))
    with pytest.raises(DataError, match="float32"):
        open_prepared(folder)


@pytest.mark.parametrize("name", [INDEX, PIXELS])
def test_half_of_it_is_not_prepared(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert not is_prepared(folder)
    with pytest.raises(DataError):
        open_prepared(folder)


def test_the_digest_changes_with_view_and_data() -> None:
    others = [
        ("other", ITEMS, VIEW),
        ("data", ITEMS[:2], VIEW),
        ("data", ITEMS[::-1], VIEW),
        ("data", (Item("a/1.png", "a/z", "a"), *ITEMS[1:]), VIEW),
        ("data", (Item("a/1.png", "a/x", "z"), *ITEMS[1:]), VIEW),
        ("data", ITEMS, View(5, 3, VIEW.points)),
        ("data", ITEMS, View(4, 1, VIEW.points)),
        ("data", ITEMS, View(4, 3)),
    ]
    made = {digest("data", ITEMS, VIEW), *(digest(*one) for one in others)}
    assert len(made) == 1 + len(others)
    assert digest("data", list(ITEMS), VIEW) == digest("data", ITEMS, VIEW)
