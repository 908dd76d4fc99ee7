from __future__ import annotations

import io
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from firstsight.datasets import open_archive
from firstsight.errors import DataError
from firstsight.models import open_model

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


def test_a_linked_folder_is_followed_and_none_around_itself(tmp_path: Path) -> None:
    """Left out, its people would be missing from a measure that says nothing of it."""
    path = pack(tmp_path / "data", "folder", FILES)
    pack(tmp_path / "elsewhere", "folder", {"1.png": b"z1"})
    (path / "set" / "zoe").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "around").symlink_to(path)
    archive = open_archive(path)
    assert set(archive.sizes) == {*FILES, "set/zoe/1.png"}
    assert archive.read("set/zoe/1.png") == b"z1"


@pytest.mark.parametrize("name", ["set/ann/2.jpg", "set/zoe"])
def test_a_link_that_leads_nowhere_is_told(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / "data", "folder", FILES)
    (path / ".lock").symlink_to("nobody")
    assert set(open_archive(path).sizes) == set(FILES)
    (path / name).symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match=f"{name}, a link that leads nowhere"):
        open_archive(path)


def test_the_digest_tells_data_sets_apart_but_not_their_packing(tmp_path: Path) -> None:
    zipped = open_archive(pack(tmp_path / "a.zip", "zip", FILES)).digest()
    assert zipped == open_archive(pack(tmp_path / "a.tar", "tar", FILES)).digest()
    less = dict(list(FILES.items())[:-1])
    assert zipped != open_archive(pack(tmp_path / "b.zip", "zip", less)).digest()


@pytest.mark.parametrize("kind", ["folder", "zip", "tar"])
@pytest.mark.parametrize("around", ["", "other/", "a/b/", "./", "./set/"])
def test_the_digest_is_that_of_what_lies_within_all_folders_around_it(
    tmp_path: Path, kind: str, around: str
) -> None:
    """As one person packs the folder and another what is in it: the pictures are the same."""
    own = open_archive(pack(tmp_path / "own.tar", "tar", FILES))
    other = open_archive(
        pack(
            tmp_path / "other",
            kind,
            {around + name.removeprefix("set/"): content for name, content in reversed(FILES.items())},
        )
    )
    assert other.digest() == own.digest()
    # What is kept by the very names is another's.
    assert (other.listing() == own.listing()) == (around == "./set/" and kind == "folder")


def test_folders_that_lie_around_some_only_are_part_of_the_digest(tmp_path: Path) -> None:
    """Who is in which part is not the same data set as everybody in one."""
    made = [
        {"set/train/bob/1.png": b"1", "set/test/ann/1.png": b"1"},
        {"set/bob/1.png": b"1", "set/ann/1.png": b"1"},
        {"set/train/bob/1.png": b"1", "set/test/ann/1.png": b"1", "list.txt": b"x"},
        {"set/train/bob/1.png": b"1", "set/train/ann/1.png": b"1"},
    ]
    found = [
        open_archive(pack(tmp_path / f"{number}.zip", "zip", files)).digest()
        for number, files in enumerate(made)
    ]
    assert found[1] == found[3]
    assert len(set(found)) == 3


def test_nothing_at_all_has_a_digest_too(tmp_path: Path) -> None:
    assert open_archive(pack(tmp_path / "a.zip", "zip", {})).digest()


def test_the_data_that_published_models_were_calibrated_on_are_known_again(shared_data: Path) -> None:
    """Tried on those, their thresholds would look better than they are."""
    archive = open_archive(shared_data / "celeba" / "celeba_crop128.zip")
    for name in ("sface", "dlib"):
        assert open_model(name).calibrated().provenance["data_digest"] == archive.digest()


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
