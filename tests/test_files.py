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


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_who_may_read_it_stays_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    """From the first byte on: a half-written part is not to be read by more people than the file."""
    place, fsync = tmp_path / "a.json", os.fsync
    place.write_text("first")
    place.chmod(mode)
    parts: list[int] = []

    def watched(number: int) -> None:
        parts.append(stat.S_IMODE(os.fstat(number).st_mode))
        fsync(number)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(place, "second")
    assert place.read_text() == "second"
    assert parts == [stat.S_IMODE(place.stat().st_mode)] == [mode]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(tmp_path: Path, there: bool) -> None:
    place, first, second = tmp_path / "else" / "a.json", tmp_path / "first", tmp_path / "second"
    place.parent.mkdir()
    first.symlink_to(second)
    second.symlink_to(Path("else") / "a.json")
    if there:
        place.write_text("first")
    write_whole(first, "second")
    assert first.is_symlink()
    assert second.is_symlink()
    assert place.read_text() == "second"
    assert list(place.parent.iterdir()) == [place]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_link_that_leads_to_itself(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("link")
    with pytest.raises(UsageError, match="link cannot be written"):
        write_whole(tmp_path / "link", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["link"]


@pytest.mark.parametrize("linked", [False, True])
def test_through_a_pipe(tmp_path: Path, linked: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    # Opened without waiting for a writer, so that a writer that replaces the pipe leaves nobody waiting.
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(tmp_path / ("link" if linked else "pipe"), "na\u00efve")
        assert stat.S_ISFIFO(pipe.lstat().st_mode)
        assert os.read(reader, 100) == "na\u00efve".encode()
    finally:
        os.close(reader)
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link"}


def test_through_what_has_no_name(tmp_path: Path) -> None:
    """As ``/dev/stdout`` of a program whose output another one reads."""
    if not Path("/dev/fd").exists():
        pytest.skip("this system names no open files")
    reader, writer = os.pipe()
    try:
        write_whole(Path(f"/dev/fd/{writer}"), "text")
        assert os.read(reader, 100) == b"text"
    finally:
        os.close(reader)
        os.close(writer)


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
