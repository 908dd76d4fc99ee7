from __future__ import annotations

import errno
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firstsight.errors import UsageError
from firstsight.files import write_whole


def full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("content", ["na\u00efve\n", b"\x00\xff\r\n"])
def test_what_is_read_is_what_was_written(tmp_path: Path, content: str | bytes) -> None:
    place = tmp_path / "new" / "deep" / "file"
    write_whole(place, content)
    assert place.read_bytes() == (content.encode() if isinstance(content, str) else content)


def test_text_that_is_none(tmp_path: Path) -> None:
    """A file's name that is no UTF-8, in a page or in JSON, in which the escape means the same."""
    write_whole(tmp_path / "a.json", '["caf\udce9"]')
    assert json.loads((tmp_path / "a.json").read_text("ascii")) == ["caf\udce9"]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.json"
    write_whole(place, "first")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"a\.json cannot be written \(No space left on device\)") as caught:
        write_whole(place, "second")
    assert caught.value.hint
    assert place.read_text() == "first"
    assert list(tmp_path.iterdir()) == [place]


def test_many_write_the_same_file(tmp_path: Path) -> None:
    """As processes with one cache do: nobody fails, and the file is one of theirs, whole."""
    place = tmp_path / "templates"
    contents = [bytes([number]) * 200_000 for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            list(pool.map(lambda content: write_whole(place, content), contents))
            assert place.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [place]


def test_others_may_read_it_as_any_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", "text")
    (tmp_path / "theirs").write_text("text")
    ours, theirs = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs"))
    assert ours == theirs


def test_a_name_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    write_whole(tmp_path / ("\u00e9" * 127), "text")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["text"]


def test_a_place_where_no_file_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "below", Path("."), Path(".."), tmp_path / ("n" * 300)):  # noqa: PTH201
        with pytest.raises(UsageError, match="cannot be written"):
            write_whole(place, "text")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
