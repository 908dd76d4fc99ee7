from __future__ import annotations

import errno
import os
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


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "a.json"
    write_whole(place, "first")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match=r"a\.json cannot be written \(No space left on device\)") as caught:
        write_whole(place, "second")
    assert caught.value.hint
    assert place.read_text() == "first"
    assert list(tmp_path.iterdir()) == [place]


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match="cannot be written"):
            write_whole(place, "text")
