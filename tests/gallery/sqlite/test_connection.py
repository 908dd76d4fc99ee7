"""Files that cannot be used, each with an error for people."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.gallery import gallery_workers
from tests.gallery.gallery_makers import CONTRACT, KEY, names, photos, raw

from firstsight.errors import ChangeUncertain, GalleryCorrupt, GalleryError, GalleryUnavailable
from firstsight.gallery import Contract, Store, open_store
from firstsight.gallery.sqlite import SqliteStore, templates

NOBODY = 65534


@contextmanager
def without_root() -> Iterator[None]:
    """As an ordinary user: root may read and write everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shelf() -> Iterator[Path]:
    """A folder that an ordinary user may use, with a gallery of theirs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        with without_root():
            store = open_store(folder / "people.db", CONTRACT)
            store.add("Ada", photos(1, 1))
            store.close()
        yield folder
        folder.chmod(0o700)


def refused(call: Callable[[], object], kind: type[GalleryError], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        call()
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_new_gallery_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "people.db"
    store = open_store(path, CONTRACT)
    store.add("Ada", photos(1, 1))
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["people.db", "people.db-shm", "people.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["people.db"]


@pytest.mark.parametrize("name", ["file:x?mode=memory", "a?b#c%20.db", "-x'y\".db"])
def test_any_name_is_a_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(name, CONTRACT)
    store.add("Ada", photos(1, 1))
    store.close()
    again = open_store(tmp_path / name)
    assert names(again.people()) == ["Ada"]
    again.close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_no_gallery_there(path: Path) -> None:
    refused(lambda: open_store(path), GalleryUnavailable, "no gallery at .*people.db")
    assert not path.exists()


@pytest.mark.parametrize("contract", [CONTRACT, None])
def test_a_folder(tmp_path: Path, contract: Contract | None) -> None:
    refused(lambda: open_store(tmp_path, contract), GalleryUnavailable, "is a folder")


@pytest.mark.parametrize("contract", [CONTRACT, None])
def test_not_a_file(path: Path, contract: Contract | None) -> None:
    os.mkfifo(path)
    refused(lambda: open_store(path, contract), GalleryUnavailable, "not a file")


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "people.db"
    refused(lambda: open_store(place, CONTRACT), GalleryUnavailable, "cannot be opened or made")


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    refused(lambda: open_store(tmp_path / "a\0b", CONTRACT), GalleryUnavailable, "made")
    refused(lambda: open_store(tmp_path / ("x" * 300), CONTRACT), GalleryUnavailable, "made")


def test_an_empty_file_becomes_a_gallery_only_with_a_contract(path: Path) -> None:
    path.touch()
    refused(lambda: open_store(path), GalleryUnavailable, "empty")
    assert raw(path) == b""
    store = open_store(path, CONTRACT)
    assert store.people() == []
    store.close()


@pytest.mark.parametrize("contract", [CONTRACT, None])
@pytest.mark.parametrize("content", [b"not a database, " * 1000, b"SQLite format 3\0", b"x"])
def test_not_a_database(path: Path, content: bytes, contract: Contract | None) -> None:
    path.write_bytes(content)
    refused(lambda: open_store(path, contract), GalleryCorrupt, r"db is (damaged|no gallery)")
    assert raw(path) == content


def test_a_damaged_gallery(path: Path) -> None:
    store = open_store(path, CONTRACT)
    for number in range(200):
        store.add(f"Person {number}", photos(2, number))
    store.close()
    whole = path.read_bytes()
    noise = bytes(range(256)) * 16

    def use() -> None:
        damaged = open_store(path, CONTRACT)
        try:
            damaged.search(photos(1, 1)[0].embedding[None], 1)
            damaged.people()
            damaged.erase("Person 7")
            damaged.add("Ada", photos(1, 1))
        finally:
            damaged.close()

    caught = 0
    for page in range(len(whole) // 4096):
        start = 4096 * page
        path.write_bytes(whole[:start] + noise + whole[start + 4096 :])
        try:
            use()  # a page that is not looked at may be anything
        except GalleryError as error:
            assert error.hint
            assert "\n" not in str(error)
            caught += isinstance(error, GalleryCorrupt)
    assert caught > len(whole) // 4096 // 2
    path.write_bytes(whole[: len(whole) // 2])
    refused(use, GalleryCorrupt, "damaged")


def test_a_file_that_may_not_be_written(shelf: Path) -> None:
    path = shelf / "people.db"
    path.chmod(0o444)
    with without_root():
        store = open_store(path, CONTRACT)
        assert names(store.people()) == ["Ada"]
        refused(lambda: store.add("Bob", photos(1, 2)), GalleryUnavailable, "writing")
        refused(lambda: store.erase("Ada"), GalleryUnavailable, "writing")
        assert names(store.people()) == ["Ada"]
        store.close()


def test_a_folder_that_may_not_be_written(shelf: Path) -> None:
    shelf.chmod(0o555)
    with without_root():
        new = shelf / "new.db"
        refused(lambda: open_store(new, CONTRACT), GalleryUnavailable, "Permission denied")
        refused(lambda: open_store(shelf / "people.db", CONTRACT), GalleryUnavailable, "writing")
    assert [file.name for file in shelf.iterdir()] == ["people.db"]


def test_what_may_not_be_read(shelf: Path) -> None:
    (shelf / "people.db").chmod(0)
    with without_root():
        refused(lambda: open_store(shelf / "people.db"), GalleryUnavailable, "people.db cannot be")
    shelf.chmod(0)
    with without_root():
        refused(lambda: open_store(shelf / "people.db"), GalleryUnavailable, "Permission denied")


def fill(store: Store) -> int:
    """Enrol until the disk is full, and see that the last person is not there by half."""
    enrolled = 0
    with pytest.raises(GalleryUnavailable, match="full") as caught:
        while enrolled < 10_000:
            store.add(f"Person {enrolled}", photos(20, enrolled, bytes(2000)))
            enrolled += 1
    assert "room" in caught.value.hint
    assert len(store.people()) == enrolled
    assert all(person.templates == 20 for person in store.people())
    return enrolled


@pytest.mark.parametrize("key", [None, KEY])
def test_a_file_that_may_not_grow(path: Path, key: bytes | None) -> None:
    store = SqliteStore(path, CONTRACT, key=key)
    with store._connection.maintaining() as database:
        database.execute("PRAGMA max_page_count = 100")
    enrolled = fill(store)
    assert enrolled > 1
    assert len(store.search(photos(1, 1)[0].embedding[None], 1000)[0]) == enrolled
    assert store.erase("Person 0").templates == 20
    store.close()


DISK = """
mount -t tmpfs -o size=1m tmpfs "$0" && "$1" -c '
import sys
from pathlib import Path
from tests.gallery.sqlite.test_connection import fill
from tests.gallery.gallery_makers import CONTRACT
from firstsight.errors import GalleryUnavailable
from firstsight.gallery import open_store
path = Path(sys.argv[1]) / "people.db"
ballast = path.with_name("ballast")
ballast.write_bytes(bytes(650_000))
store = open_store(path, CONTRACT)
enrolled = fill(store)
try:
    store.erase("Person 0")
except GalleryUnavailable as error:
    assert "full" in error.message
    assert len(store.people()) == enrolled
else:
    store.add("Person 0", [])
ballast.unlink()
receipts = [store.erase(f"Person {number}") for number in range(enrolled)]
assert all(receipt.cleared for receipt in receipts[1:])
assert store.people() == []
store.add("Ada", [])
store.close()
print(enrolled)
' "$0"
"""


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """On a file system of 1 MiB in a name space of its own, where that may be made."""
    probe = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        mount = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
        allowed = subprocess.run([*probe, *mount], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if allowed.returncode:
        pytest.skip("no file system may be mounted here")
    done = subprocess.run(
        [*probe, "sh", "-c", DISK, tmp_path, sys.executable],
        env=gallery_workers.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 1


def taken_away(path: Path, to: Path) -> None:
    """Moved, with its log."""
    to.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        file.rename(to / file.name)


def deleted(path: Path, to: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def replaced(path: Path, to: Path) -> None:
    """By another gallery, as a second process would make it."""
    deleted(path, to)
    other = open_store(path, CONTRACT)
    other.add("Zoe", photos(1, 9))
    other.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays there")
@pytest.mark.parametrize("happens", [taken_away, deleted, replaced])
def test_a_file_that_is_taken_away_while_it_is_open(
    path: Path, tmp_path: Path, happens: Callable[[Path, Path], None]
) -> None:
    """Nobody is acknowledged who would be in no gallery, and nobody answers from one that is gone."""
    store = open_store(path, CONTRACT)
    store.add("Ada", photos(1, 1))
    happens(path, tmp_path / "elsewhere")
    calls: list[Callable[[], object]] = [
        lambda: store.add("Bob", photos(1, 2)),
        lambda: store.erase("Ada"),
        lambda: store.annotate("Ada", notes="x"),
        store.count_templates,  # what a service is asked whether it is ready
        store.people,
        lambda: store.search(photos(1, 1)[0].embedding[None], 1),
    ]
    for call in calls:
        refused(call, GalleryUnavailable, "no longer")
    store.close()
    if happens is replaced:
        other = open_store(path)
        assert names(other.people()) == ["Zoe"]
        other.close()
    else:
        assert not path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays there")
def test_a_file_that_was_put_back_is_used_again(path: Path, tmp_path: Path) -> None:
    store = open_store(path, CONTRACT)
    taken_away(path, tmp_path / "elsewhere")
    refused(lambda: store.add("Ada", photos(1, 1)), GalleryUnavailable, "no longer")
    for file in (tmp_path / "elsewhere").iterdir():
        file.rename(tmp_path / file.name)
    store.add("Ada", photos(1, 1))
    store.close()
    again = open_store(path)
    assert names(again.people()) == ["Ada"]
    again.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays there")
def test_a_file_that_is_taken_away_during_a_change(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made it was, but where nobody looks: not acknowledged, nor told as undone."""
    store = open_store(path, CONTRACT)
    add = templates.add

    def meanwhile(*given: Any) -> None:
        add(*given)
        taken_away(path, tmp_path / "elsewhere")

    monkeypatch.setattr(templates, "add", meanwhile)
    refused(lambda: store.add("Ada", photos(1, 1)), ChangeUncertain, "while it was changed")
    store.close()


def test_a_process_may_change_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store("people.db", CONTRACT)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.add("Ada", photos(1, 1))
    assert names(store.people()) == ["Ada"]
    store.close()


def test_a_system_that_gives_files_no_numbers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = Path.stat

    def unnumbered(self: Path, **given: Any) -> os.stat_result:
        return os.stat_result(
            [0 if place in (1, 2) else value for place, value in enumerate(known(self, **given))]
        )

    monkeypatch.setattr(Path, "stat", unnumbered)
    store = open_store(path, CONTRACT)
    store.add("Ada", photos(1, 1))
    assert names(store.people()) == ["Ada"]
    store.close()


def test_galleries_need_neither_torch_nor_a_model() -> None:
    code = "import sys, firstsight.gallery; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=gallery_workers.environment(), check=False)
    assert done.returncode == 0
