from __future__ import annotations

import errno
import os
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.datasets.dataset_makers import archive_of, noise, png, write_people

from firstsight.datasets import Archive, open_archive, open_identities, preparing
from firstsight.datasets.prepared import INDEX, PIXELS, Item, View, digest
from firstsight.datasets.preparing import prepare
from firstsight.errors import DataError
from firstsight.faces import Detector, align, detector
from firstsight.images import fitted, read_image
from firstsight.networks import OPENCV

VIEW = View(10, 3)
FILES = {f"{number}.png": png(noise(number, 8 + number, 12)) for number in range(7)}
ITEMS = [Item(name, f"id{number // 2}") for number, name in enumerate(FILES)]
FACE_POINTS = ((20.0, 25.0), (44.0, 25.0), (32.0, 38.0), (22.0, 50.0), (42.0, 50.0))


def forbidden(*_: object, **__: object) -> NDArray[np.uint8]:
    raise AssertionError("decoded again")


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def contents(folder: Path) -> list[str]:
    """All but the empty files by which processes wait for one another."""
    return sorted(path.name for path in folder.rglob("*") if path.suffix != ".lock")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_a_picture_replaced_by_one_of_its_size_is_decoded_anew(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    pictures = [Image.fromarray(noise(number, 8, 12)) for number in range(2)]
    pictures[0].save(folder / "0.bmp")
    before = prepare([(open_archive(folder), [Item("0.bmp", "id")])], VIEW, cache)
    pictures[1].save(folder / "0.bmp")
    after = prepare([(open_archive(folder), [Item("0.bmp", "id")])], VIEW, cache)
    assert after.digest == before.digest
    assert after.key != before.key
    assert (after.pixels != before.pixels).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_is_decoded_into_its_row(cache: Path, channels: int) -> None:
    view = View(10, channels)
    prepared = prepare([(archive_of(FILES), ITEMS)], view, cache)
    assert prepared.items == tuple(ITEMS)
    assert prepared.unreadable == ()
    assert prepared.view == view
    assert prepared.pixels.shape == (7, 10, 10, channels)
    for row, item in enumerate(prepared.items):
        assert (prepared.pixels[row] == fitted(read_image(FILES[item.name]), 10, channels)).all()


def test_who_prepares_the_same_meanwhile_waits_and_finds_it_done(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once would write into one folder, and the first to end would take it from the other."""
    decoded: list[str] = []
    both = threading.Barrier(2)

    def counted(archive: Archive, see: Any, item: Item) -> Any:
        decoded.append(item.name)
        time.sleep(0.02)
        return seen(archive, see, item)

    def begin(_: int) -> int:
        both.wait()
        return len(prepare([(archive_of(FILES), ITEMS)], VIEW, cache).items)

    seen = preparing._seen
    monkeypatch.setattr(preparing, "_seen", counted)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(begin, range(2))) == [7, 7]
    assert sorted(decoded) == sorted(FILES)


def test_order_is_kept_over_pieces_and_archives(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "PIECE", 2)
    other = {f"x{name}": content for name, content in reversed(FILES.items())}
    items = [Item(name, name) for name in other]
    told: list[tuple[int, int]] = []
    prepared = prepare(
        [(archive_of(FILES), ITEMS), (archive_of(other), items)],
        VIEW,
        cache,
        progress=lambda done, all_: told.append((done, all_)),
    )
    assert prepared.items == (*ITEMS, *items)
    for row, item in enumerate(prepared.items):
        assert (prepared.pixels[row] == fitted(read_image((FILES | other)[item.name]), 10, 3)).all()
    assert told == [(done, 14) for done in (2, 4, 6, 8, 10, 12, 14)]


def test_it_is_opened_again_without_decoding(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare([(archive_of(FILES), ITEMS)], VIEW, cache)
    monkeypatch.setattr(preparing, "read_image", forbidden)
    again = prepare([(archive_of(FILES), ITEMS)], VIEW, cache)
    assert (again.digest, again.items) == (first.digest, first.items)
    assert (again.pixels == first.pixels).all()
    for other in ([(archive_of(FILES), ITEMS[1:])], [(archive_of(FILES | {"0.png": b"x"}), ITEMS)]):
        with pytest.raises(AssertionError, match="decoded again"):
            prepare(other, VIEW, cache)
    with pytest.raises(AssertionError, match="decoded again"):
        prepare([(archive_of(FILES), ITEMS)], View(11, 3), cache)


def test_packing_makes_no_other_data(tmp_path: Path, cache: Path) -> None:
    folder = write_people(tmp_path / "data", {"ann": 2, "bob": 2})
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as made:
        for path in sorted(folder.rglob("*.png")):
            made.write(path, path.relative_to(folder).as_posix())
    plain, packed = (open_identities(path) for path in (folder, tmp_path / "data.zip"))
    items = [Item(name, label) for name, label in zip(plain.names(), plain.labels(), strict=True)]
    first, again = (prepare([(one.archive, items)], VIEW, cache) for one in (plain, packed))
    assert again.digest == first.digest
    assert (again.pixels == first.pixels).all()


BROKEN = {"0.png": FILES["0.png"][:60], "3.png": b"hello", "6.png": b""}


def test_what_cannot_be_read_is_left_out_and_named(cache: Path) -> None:
    files = FILES | BROKEN
    prepared = prepare([(archive_of(files), ITEMS)], VIEW, cache)
    assert [item.name for item in prepared.items] == ["1.png", "2.png", "4.png", "5.png"]
    assert prepared.pixels.shape == (4, 10, 10, 3)
    for row, item in enumerate(prepared.items):
        assert (prepared.pixels[row] == fitted(read_image(FILES[item.name]), 10, 3)).all()
    assert [line.partition(": ")[0] for line in prepared.unreadable] == sorted(BROKEN)
    damaged, text, empty = prepared.unreadable
    assert "damaged or cut short" in damaged
    assert "not a picture" in text
    assert "empty" in empty
    # The list is remembered, and nothing but the two files is left.
    assert prepare([(archive_of(files), ITEMS)], VIEW, cache).unreadable == prepared.unreadable
    assert contents(cache) == sorted([prepared.key, INDEX, PIXELS])
    with pytest.raises(DataError, match=r"0\.png"):
        prepared.rows(["0.png"])


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_strict_refuses_what_cannot_be_read(cache: Path, name: str) -> None:
    with pytest.raises(DataError, match=f"^{name}: ") as caught:
        prepare([(archive_of(FILES | {name: BROKEN[name]}), ITEMS)], VIEW, cache, strict=True)
    assert "--strict" in caught.value.hint
    assert contents(cache) == []


def test_strict_has_nothing_against_good_pictures(cache: Path) -> None:
    assert len(prepare([(archive_of(FILES), ITEMS)], VIEW, cache, strict=True).items) == 7


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_place_in_a_zip_costs_one_picture(tmp_path: Path, cache: Path, kind: int) -> None:
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w", kind) as made:
        for name, content in FILES.items():
            made.writestr(name, content)
        start = made.getinfo("2.png").header_offset + 30 + len("2.png")
        size = made.getinfo("2.png").compress_size
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + b"\xff" * size + whole[start + size :])
    prepared = prepare([(open_archive(path), ITEMS)], VIEW, cache)
    assert len(prepared.items) == 6
    (line,) = prepared.unreadable
    assert line.startswith("2.png: it cannot be read")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESTALE, errno.EMFILE, errno.EIO])
def test_what_the_disk_does_not_give_is_not_left_out_for_good(cache: Path, number: int) -> None:
    """A share that was away for a moment, too many open files: the picture is fine."""
    archive = archive_of(FILES)

    def read(name: str) -> bytes:
        if name == "3.png":
            raise OSError(number, os.strerror(number))
        return archive.read(name)

    with pytest.raises(DataError, match=rf"3\.png in .* cannot be read \({os.strerror(number)}\)") as caught:
        prepare([(replace(archive, read=read), ITEMS)], VIEW, cache)
    assert "same command" in caught.value.hint
    assert contents(cache) == []
    assert len(prepare([(archive, ITEMS)], VIEW, cache).items) == 7


def test_a_file_that_has_gone_ends_it(tmp_path: Path, cache: Path) -> None:
    folder = write_people(tmp_path / "data", {"ann": 3})
    found = open_identities(folder)
    (folder / "ann" / "1.png").unlink()
    with pytest.raises(DataError, match=r"ann/1\.png in .* cannot be read"):
        prepare([(found.archive, [Item(name, "ann") for name in found.names()])], VIEW, cache)


@pytest.mark.parametrize("error", [OSError("damaged: bad checksum"), OSError(errno.EINVAL, "out of it")])
def test_a_damaged_place_costs_one_picture(cache: Path, error: OSError) -> None:
    archive = archive_of(FILES)

    def read(name: str) -> bytes:
        if name == "3.png":
            raise error
        return archive.read(name)

    prepared = prepare([(replace(archive, read=read), ITEMS)], VIEW, cache)
    assert len(prepared.items) == 6
    assert prepared.unreadable[0].startswith("3.png: it cannot be read")


def test_none_that_can_be_used(cache: Path) -> None:
    with pytest.raises(DataError, match=r"None of 2 pictures can be used \(a\.png: .*not a picture"):
        prepare(
            [(archive_of({"a.png": b"x", "b.png": b"y"}), [Item("a.png", "a"), Item("b.png", "b")])],
            VIEW,
            cache,
        )
    with pytest.raises(DataError, match="None of 0 pictures"):
        prepare([(archive_of({}), [])], VIEW, cache)
    assert contents(cache) == []


def interrupted(after: int) -> Callable[..., NDArray[np.uint8]]:
    """A decoder that is interrupted at some picture."""
    calls = iter(range(100))

    def read(source: Any) -> NDArray[np.uint8]:
        if next(calls) == after:
            raise KeyboardInterrupt
        return read_image(source)

    return read


@pytest.mark.parametrize("after", [0, 3, 6])
def test_nothing_is_left_when_it_is_interrupted(
    cache: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(preparing, "read_image", interrupted(after))
        with pytest.raises(KeyboardInterrupt):
            prepare([(archive_of(FILES), ITEMS)], VIEW, cache)
    assert contents(cache) == []
    assert len(prepare([(archive_of(FILES), ITEMS)], VIEW, cache).items) == 7


@pytest.mark.parametrize("place", ["reserving", "index", "shortening", "renaming"])
def test_nothing_is_left_when_the_disk_is_full(
    cache: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    files = FILES | BROKEN
    with monkeypatch.context() as patch:
        if place == "reserving":
            if not hasattr(os, "posix_fallocate"):
                pytest.skip("this system cannot reserve")
            patch.setattr(os, "posix_fallocate", full)
        elif place == "index":
            patch.setattr(preparing, "write_index", full)
        elif place == "shortening":
            patch.setattr(np, "save", full)
        else:
            patch.setattr(Path, "replace", full)
        with pytest.raises(DataError, match=r"cannot be written \(No space left on device\)") as caught:
            prepare([(archive_of(files), ITEMS)], VIEW, cache)
    assert str(cache) in caught.value.message
    assert "--cache" in caught.value.hint
    assert contents(cache) == []
    assert len(prepare([(archive_of(files), ITEMS)], VIEW, cache).items) == 4


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve")
def test_a_file_system_that_cannot_reserve_will_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(os, "posix_fallocate", refused)
    assert len(prepare([(archive_of(FILES), ITEMS)], VIEW, cache).items) == 7


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        prepare([(archive_of(FILES), ITEMS)], VIEW, tmp_path / "file" / "cache")


@pytest.mark.parametrize("ending", ["", ".part"])
def test_what_a_killed_process_left_is_made_anew(cache: Path, ending: str) -> None:
    made = prepare([(archive_of(FILES), ITEMS)], VIEW, cache).key
    whole = cache / made
    (whole / INDEX).unlink()
    (whole / PIXELS).write_bytes(b"half")
    whole.rename(cache / f"{made}{ending}")
    again = prepare([(archive_of(FILES), ITEMS)], VIEW, cache)
    assert len(again.items) == 7
    assert contents(cache) == sorted([made, INDEX, PIXELS])


@pytest.fixture(scope="module")
def faces(people: dict[str, list[Path]]) -> tuple[Archive, list[Item]]:
    photos = [found[0] for found in list(people.values())[:2]]
    files = {f"{number}{photo.suffix}": photo.read_bytes() for number, photo in enumerate(photos)}
    files["9.png"] = png(np.full((80, 80, 3), 128, np.uint8))
    return archive_of(files), [Item(name, name) for name in files]


@pytest.mark.parametrize("channels", [1, 3])
def test_faces_are_found_and_aligned(
    cache: Path, detector: Detector, faces: tuple[Archive, list[Item]], channels: int
) -> None:
    archive, items = faces
    prepared = prepare([faces], View(64, channels, FACE_POINTS), cache)
    assert prepared.items == tuple(items[:2])
    assert prepared.unreadable == ("9.png: no face was found",)
    for row, item in enumerate(prepared.items):
        picture = read_image(archive.read(item.name))
        (face,) = detector.detect(picture)
        crop = align(picture, face.landmarks, np.array(FACE_POINTS, np.float32), 64)
        if channels == 3:
            assert (prepared.pixels[row] == crop).all()
        else:
            # Rec. 601 luma, in whole numbers.
            luma = crop @ np.array((0.299, 0.587, 0.114))
            assert abs(prepared.pixels[row, :, :, 0] - luma).max() <= 1


def test_faces_that_another_detector_cut_are_not_used(
    cache: Path, faces: tuple[Archive, list[Item]], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, items = faces
    view = View(64, 3, FACE_POINTS)
    before = prepare([faces], view, cache), prepare([(archive_of(FILES), ITEMS)], VIEW, cache)
    # Kept before keys named a detector, and as good as it was.
    assert before[0].key == digest(archive.edition(), items, view)[:24]
    monkeypatch.setattr(detector, "VERSION", detector.VERSION + 1)
    after = prepare([faces], view, cache), prepare([(archive_of(FILES), ITEMS)], VIEW, cache)
    assert after[0].key != before[0].key
    assert after[0].digest == before[0].digest  # of the data, not of how they were cut
    assert after[1].key == before[1].key  # whole pictures, in which nobody looked for faces


def test_the_detector_that_keys_go_by_is_the_one_that_cuts() -> None:
    """The latter knows its edition only once its weights are read."""
    assert detector.edition(OPENCV) == Detector(engine=OPENCV).edition


def test_strict_refuses_a_picture_without_a_face(cache: Path, faces: tuple[Archive, list[Item]]) -> None:
    with pytest.raises(DataError, match=r"9\.png: no face was found"):
        prepare([faces], View(64, 3, FACE_POINTS), cache, strict=True)
