from __future__ import annotations

import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firstsight.datasets import open_archive
from firstsight.errors import DataError

FILES = {
    "set/bob/2.png": b"b2",
    "set/ann/1.jpg": b"a1",
    "set/bob/1.JPG": b"b1",
    "set/list.txt": b"x",
}


def pack(path: Path, kind: str, files: dict[str, bytes]) -> Path:
    if kind == "folder":
        for name, content in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as made:
            for name, content in files.items():
                made.writestr(name, content)
    else:
        with tarfile.open(path, "w:gz" if kind == "tgz" else "w") as made:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                made.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tgz"])
def test_every_kind_reads_alike(tmp_path: Path, kind: str) -> None:
    archive = open_archive(pack(tmp_path / "data", kind, FILES))
    assert dict(archive.sizes) == {name: len(content) for name, content in FILES.items()}
    assert list(archive.sizes) == sorted(FILES)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(archive.read, list(FILES) * 20)) == list(FILES.values()) * 20


def test_the_digest_tells_data_sets_apart_but_not_their_packing(tmp_path: Path) -> None:
    zipped = open_archive(pack(tmp_path / "a.zip", "zip", FILES)).digest()
    assert zipped == open_archive(pack(tmp_path / "a.tar", "tar", FILES)).digest()
    less = dict(list(FILES.items())[:-1])
    assert zipped != open_archive(pack(tmp_path / "b.zip", "zip", less)).digest()


def test_names_that_are_no_utf_8_tell_data_sets_apart(tmp_path: Path) -> None:
    """As an old camera card, or a tar from one, has them."""
    archive = open_archive(pack(tmp_path / "a.tar", "tar", FILES | {"set/ann/caf\udce9.jpg": b"c"}))
    assert archive.read("set/ann/caf\udce9.jpg") == b"c"
    other = open_archive(pack(tmp_path / "b.tar", "tar", FILES | {"set/ann/caf\udce8.jpg": b"c"}))
    assert archive.digest() != other.digest()
    assert archive.edition() != other.edition()


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
def test_an_edition_changes_with_what_keeps_its_name_and_size(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "data"
    before, again = (open_archive(pack(place, kind, FILES)) for _ in range(2))
    if kind == "zip":  # its own checksums: packed again, it is what it was
        assert again.edition() == before.edition()
    after = open_archive(pack(place, kind, FILES | {"set/ann/1.jpg": b"A1"}))
    assert after.digest() == before.digest()
    assert after.edition() not in {before.edition(), again.edition()}
    assert open_archive(place).edition() == after.edition()


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="leads out"):
        open_archive(pack(tmp_path / "data.zip", "zip", {name: b"x"}))


def test_what_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set"):
        open_archive(tmp_path / "missing")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(DataError, match="no folder, zip or tar"):
        open_archive(tmp_path / "text")
    broken = pack(tmp_path / "data.zip", "zip", FILES).read_bytes()
    (tmp_path / "broken.zip").write_bytes(broken[:60] + broken[-22:])
    with pytest.raises(DataError):
        open_archive(tmp_path / "broken.zip")
