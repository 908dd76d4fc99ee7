from __future__ import annotations

import tracemalloc
import unicodedata
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.service.service_makers import zipped

from firstsight.datasets import PICTURES
from firstsight.errors import BodyMalformed, BodyTooLarge, FirstsightError, ImageUnreadable
from firstsight.images import Limits
from firstsight.service import Settings
from firstsight.service.archives import photos_of

MIB = 2**20
SMALL = Settings(photo=Limits(bytes=MIB))
CENTRAL = b"PK\1\2"
"""Begins an entry of a zip's list."""


def listed(files: dict[str, bytes]) -> list[tuple[str, str, bytes]]:
    return [(name, person, read()) for name, person, read in photos_of(zipped(files), Settings())]


def changed(content: bytes, place: int, wrong: bytes) -> bytes:
    return content[:place] + wrong + content[place + len(wrong) :]


def test_a_folder_or_a_file_for_each_person_in_order() -> None:
    files = {
        "Bob.jpg": b"3",
        "Ada/2.png": b"2",
        "photos/deeper/Cy Dee/x.JPEG": b"4",
        "Ada/1.jpg": b"1",
        "Zoë/été.webp": b"5",
    }
    assert listed(files) == [
        ("Ada/1.jpg", "Ada", b"1"),
        ("Ada/2.png", "Ada", b"2"),
        ("Bob.jpg", "Bob", b"3"),
        ("Zoë/été.webp", "Zoë", b"5"),
        ("photos/deeper/Cy Dee/x.JPEG", "Cy Dee", b"4"),
    ]


def test_two_folders_of_one_name_are_not_made_one_person() -> None:
    with pytest.raises(BodyMalformed, match="The zip holds 'Ada/2019' and 'Bob/2019'") as caught:
        listed({"Ada/2019/1.jpg": b"1", "Bob/2019/1.jpg": b"2"})
    assert "under their name" in caught.value.hint
    with pytest.raises(BodyMalformed, match="'Ada' and 'staff/Ada'"):
        listed({"Ada.jpg": b"1", "staff/Ada/1.jpg": b"2"})


def test_a_file_beside_the_folder_of_its_person_is_theirs() -> None:
    """As in a folder that is enrolled."""
    files = {"Ada.jpg": b"1", "Ada.png": b"2", "Ada/1.jpg": b"3"}
    assert [person for _, person, _ in listed(files)] == ["Ada"] * 3


@pytest.mark.parametrize("other", ["José", "José ", unicodedata.normalize("NFD", "José")])
def test_two_ways_of_typing_one_name_are_one_person(other: str) -> None:
    with pytest.raises(BodyMalformed, match="would become one identity"):
        listed({"a/José/1.jpg": b"1", f"b/{other}/2.jpg": b"2"})
    # What is no name at all is refused by itself, when its turn comes.
    assert len(listed({"Jo\u200bsé/1.jpg": b"1", "José/1.jpg": b"2"})) == 2


def test_folders_written_with_the_other_slash() -> None:
    files = {"staff\\Ada\\1.jpg": b"1", "C:\\Bob\\2.png": b"2", "..\\..\\Cy\\3.jpg": b"3", "..\\4.jpg": b"4"}
    files |= {"Ada\\.hidden\\1.jpg": b"", "__MACOSX\\Ada\\1.jpg": b""}
    assert listed(files) == [
        ("C:/Bob/2.png", "Bob", b"2"),
        ("staff/Ada/1.jpg", "Ada", b"1"),
    ]


def test_every_kind_of_picture() -> None:
    assert {person for _, person, _ in listed({f"{kind[1:]}{kind}": b"" for kind in PICTURES})} == {
        kind[1:] for kind in PICTURES
    }


def test_what_is_no_picture_of_anybody_is_left_out() -> None:
    files = {
        "Ada/1.jpg": b"1",
        "Ada/notes.txt": b"",
        "Ada/jpg": b"",
        "Ada/.2.jpg": b"",
        "Ada/._1.jpg": b"",
        "__MACOSX/Ada/._1.jpg": b"",
        "__MACOSX/Ada/1.jpg": b"",
        "photos/__MACOSX/Ada/1.jpg": b"",
        ".hidden/1.jpg": b"",
        "Ada/.git/1.jpg": b"",
        "Thumbs.db": b"",
        "folder.jpg/": b"",
    }
    assert listed(files) == [("Ada/1.jpg", "Ada", b"1")]


def test_names_that_lead_out_of_it_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person is one part of a path, and nothing is written."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    found = listed({"../../evil.jpg": b"", "/etc/Ada/1.jpg": b"1", "/root.jpg": b"2"})
    assert {person for _, person, _ in found} == {"Ada", "root"}
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_as_large_as_allowed_and_no_larger(method: int) -> None:
    files = {"Ada.jpg": bytes(MIB), "Bob.jpg": bytes(MIB + 1), "Cy.jpg": b"small"}
    ada, bob, cy = (read for _, _, read in photos_of(zipped(files, method), SMALL))
    assert ada() == bytes(MIB)
    with pytest.raises(BodyTooLarge, match=r"Bob\.jpg is larger than 1 MiB"):
        bob()
    assert cy() == b"small"


def test_one_photo_is_read_as_often_as_asked_and_in_any_order() -> None:
    first, second = (read for _, _, read in photos_of(zipped({"Ada.jpg": b"1", "Bob.jpg": b"2"}), SMALL))
    assert [second(), first(), second()] == [b"2", b"1", b"2"]


@cache
def bomb(method: int) -> bytes:
    return zipped({"Ada.jpg": bytes(32 * MIB)}, method)


def peak(content: bytes) -> float:
    """Memory that reading the first photo takes, in MiB; it is refused."""
    ((_, _, read), *_) = photos_of(content, SMALL)
    tracemalloc.start()
    try:
        with pytest.raises(FirstsightError):
            read()
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("lie", [None, 10, 2**31])
def test_a_bomb_does_not_go_off(method: int, lie: int | None) -> None:
    """A small file that unpacks to a large one, also when it says that it is small."""
    content = bomb(method)
    if lie is not None:
        content = changed(content, content.index(CENTRAL) + 24, lie.to_bytes(4, "little"))
    assert len(content) < MIB
    assert peak(content) < 8


def test_what_it_says_of_sizes_is_not_believed() -> None:
    content = zipped({"Ada.jpg": b"x" * 5000})
    for lie in (0, 10, 4999, 5001, MIB, 2**32 - 2):
        lying = changed(content, content.index(CENTRAL) + 24, lie.to_bytes(4, "little"))
        ((_, _, read),) = photos_of(lying, SMALL)
        try:
            assert read() == b"x" * 5000
        except ImageUnreadable:
            assert lie < 5000


def test_too_many_pictures() -> None:
    files = {f"{number}.jpg": b"" for number in range(4)}
    with pytest.raises(BodyTooLarge, match="4 pictures; at most 3"):
        photos_of(zipped(files), Settings(archive_photos=3))
    assert len(photos_of(zipped(files | {"notes.txt": b""}), Settings(archive_photos=4))) == 4


def test_a_list_that_would_fill_the_memory_is_not_read() -> None:
    """Entries of nothing: a small zip of them takes many times its size."""
    few = zipped({f"{number}.txt": b"" for number in range(20)} | {"Ada.jpg": b"1"})
    assert len(photos_of(few, Settings(archive_photos=3))) == 1
    many = zipped({f"{number}.txt": b"" for number in range(4000)} | {"Ada.jpg": b"1"})
    tracemalloc.start()
    try:
        with pytest.raises(BodyTooLarge, match="too many files"):
            photos_of(many, Settings(archive_photos=399))
        assert tracemalloc.get_traced_memory()[1] < len(many)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip" * 1000, zipped({"Ada.jpg": b"1"})[:-10]])
def test_no_zip(content: bytes) -> None:
    with pytest.raises(BodyMalformed, match="no zip"):
        photos_of(content, Settings())


@pytest.mark.parametrize("files", [{}, {"notes.txt": b""}, {"__MACOSX/1.jpg": b""}, {"Ada.jpg/": b""}])
def test_a_zip_without_pictures(files: dict[str, bytes]) -> None:
    with pytest.raises(BodyMalformed, match="no pictures"):
        photos_of(zipped(files), Settings())


def test_an_encrypted_photo_is_told_and_the_others_are_read() -> None:
    content = zipped({"Ada.jpg": b"1", "Bob.jpg": b"2"})
    for place in (content.index(b"PK\3\4") + 6, content.index(CENTRAL) + 8):
        content = changed(content, place, b"\1")
    ada, bob = (read for _, _, read in photos_of(content, SMALL))
    with pytest.raises(ImageUnreadable, match=r"Ada\.jpg .*encrypted"):
        ada()
    assert bob() == b"2"


@pytest.mark.parametrize(
    "wrong",
    [b"\xff" * 20, b"\x07", b"\x00" * 20],
    ids=["its own code", "a kind of block that there is none of", "a block of another length"],
)
def test_a_damaged_photo_is_told_and_the_others_are_read(wrong: bytes) -> None:
    content = zipped({"Ada.jpg": bytes(range(256)) * 20, "Bob.jpg": b"2"})
    ada, bob = (read for _, _, read in photos_of(changed(content, 30 + len("Ada.jpg"), wrong), SMALL))
    with pytest.raises(ImageUnreadable, match=r"Ada\.jpg cannot be unpacked"):
        ada()
    assert bob() == b"2"


def test_a_way_of_packing_that_we_do_not_know() -> None:
    content = zipped({"Ada.jpg": b"1", "Bob.jpg": b"2"})
    for place in (content.index(b"PK\3\4") + 8, content.index(CENTRAL) + 10):
        content = changed(content, place, b"\x63")
    ada, bob = (read for _, _, read in photos_of(content, SMALL))
    with pytest.raises(ImageUnreadable, match=r"Ada\.jpg"):
        ada()
    assert bob() == b"2"


GOOD = zipped({"Ada/1.jpg": bytes(range(256)) * 3, "Bob.png": b"2" * 50})


@settings(deadline=None, max_examples=300)
@given(
    places=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4)), max_size=4),
    end=st.integers(0, len(GOOD)) | st.just(len(GOOD)),
)
@example(places=[(GOOD.index(CENTRAL) + 6, b"\x63")], end=len(GOOD))
@example(places=[(GOOD.index(CENTRAL) + 46, b"\0")], end=len(GOOD))
def test_whatever_came_it_is_read_or_refused(places: list[tuple[int, bytes]], end: int) -> None:
    content = GOOD
    for place, wrong in places:
        content = changed(content, place, wrong)
    try:
        photos = photos_of(content[:end], SMALL)
    except (BodyMalformed, BodyTooLarge):
        return
    for _, _, read in photos:
        with suppress(BodyTooLarge, ImageUnreadable):
            assert len(read()) <= MIB
