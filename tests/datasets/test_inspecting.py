from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.datasets.dataset_makers import archive_of, noise, png, write_people

from firstsight.datasets import Archive, Identities, open_archive, open_identities
from firstsight.datasets.identities import group
from firstsight.datasets.inspecting import Duplicate, Inspection, format_of, inspect, sample
from firstsight.errors import DataError


def people(files: dict[str, bytes]) -> Identities:
    return group(archive_of(files))


def looked(files: dict[str, bytes]) -> Inspection:
    return inspect(people(files))


def coded(seed: int, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(noise(seed, 16, 16)).save(stream, kind, **options)
    return stream.getvalue()


def test_counts_and_sizes(tmp_path: Path) -> None:
    found = looked(
        {
            "ann/1.png": png(noise(1, 10, 30)),
            "bob/1.png": png(noise(2, 5, 4)),
            "bob/2.png": png(noise(3, 40, 40)),
            "eve/1.png": png(noise(4, 9, 9)),
            "eve/2.png": png(noise(5, 2, 50)),
            "eve/3.png": b"",
            "eve/4.png": png(noise(6, 9, 9)),
            "zoe/1.png": png(noise(7, 9, 9)),
        }
    )
    assert (found.identities, found.pictures) == (4, 8)
    assert (found.fewest, found.median, found.most) == (1, 1.5, 4)
    assert found.alone == ("ann", "zoe")
    # Width and height; 50 x 2 is the longest picture, and a small one.
    assert (found.smallest, found.middle, found.largest) == ((4, 5), (9, 9), (40, 40))
    assert found.formats == {"PNG": 7}
    assert not found.same_bytes
    assert not found.same_pixels


def test_copies_are_told_from_pictures_that_were_saved_anew() -> None:
    one, two = png(noise(1)), png(noise(2))
    stream = io.BytesIO()
    Image.fromarray(noise(2)).save(stream, "BMP")
    found = looked(
        {
            "ann/1.png": one,
            "ann/2.png": one,
            "bob/1.png": two,
            "eve/1.bmp": stream.getvalue(),
            "eve/2.png": png(noise(3)),
        }
    )
    assert found.same_bytes == (Duplicate(("ann/1.png", "ann/2.png"), ("ann",)),)
    assert found.same_pixels == (Duplicate(("bob/1.png", "eve/1.bmp"), ("bob", "eve")),)
    assert found.across == found.same_pixels


def test_a_picture_across_identities_is_named_once() -> None:
    one = png(noise(1))
    stream = io.BytesIO()
    Image.fromarray(noise(1)).save(stream, "BMP")
    found = looked({"ann/1.png": one, "bob/1.png": one, "eve/1.bmp": stream.getvalue()})
    assert [dup.identities for dup in found.same_bytes] == [("ann", "bob")]
    assert [dup.identities for dup in found.across] == [("ann", "bob", "eve")]


def test_the_same_bytes_of_pixels_in_another_shape_are_another_picture() -> None:
    grey = np.full((4, 9, 3), 80, np.uint8)
    found = looked({"ann/1.png": png(grey), "bob/1.png": png(grey.reshape(6, 6, 3))})
    assert not found.same_pixels


def test_unreadable_files_are_no_duplicates_unless_their_bytes_are() -> None:
    found = looked({"ann/1.png": b"", "ann/2.png": b"", "bob/1.png": b"junk", "eve/1.png": b"junk"})
    assert [line.partition(": ")[0] for line in found.unreadable] == [
        "ann/1.png",
        "ann/2.png",
        "bob/1.png",
        "eve/1.png",
    ]
    assert "empty" in found.unreadable[0]
    assert "not a picture" in found.unreadable[2]
    # Two empty files have nothing in common.
    assert [one.pictures for one in found.same_bytes] == [("bob/1.png", "eve/1.png")]
    assert found.across == found.same_bytes
    assert (found.smallest, found.middle, found.largest, dict(found.formats)) == (None, None, None, {})


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP"])
def test_formats_are_told_by_content(kind: str) -> None:
    assert format_of(coded(1, kind)) == kind
    assert dict(looked({"ann/1.png": coded(1, kind)}).formats) == {kind: 1}


def test_avif_and_big_endian_tiff_and_nothing() -> None:
    assert format_of(b"\x00\x00\x00\x1cftypavif\x00") == "AVIF"
    assert format_of(b"MM\x00*\x00\x00") == "TIFF"
    assert format_of(b"RIFF\x00\x00\x00\x00WAVE") == "other"
    assert format_of(b"") == "other"


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz", "txz"])
def test_archives_are_inspected_like_folders(tmp_path: Path, kind: str) -> None:
    folder = write_people(tmp_path / "set", {"bob": 2, "ann": 70})
    packed = tmp_path / f"set.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(packed, "w") as made:
            for file in sorted(folder.rglob("*.png"), reverse=True):
                made.write(file, file.relative_to(tmp_path))
    else:
        mode = {"tar": "w", "tgz": "w:gz", "txz": "w:xz"}[kind]
        with tarfile.open(packed, mode) as tar:  # type: ignore[call-overload]
            tar.add(folder, "set")
    steps: list[tuple[int, int]] = []
    found = inspect(open_identities(packed), progress=lambda *step: steps.append(step))
    assert found == inspect(open_identities(folder))
    assert (found.identities, found.pictures, found.unreadable) == (2, 72, ())
    assert steps == [(64, 72), (72, 72)]


def test_a_damaged_member_is_unreadable_and_the_others_are_read(tmp_path: Path) -> None:
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("ann/1.png", png(noise(1)))
        made.writestr("ann/2.png", png(noise(2)))
    content = bytearray(packed.read_bytes())
    content[content.index(b"IDAT") + 9] ^= 255
    packed.write_bytes(content)
    found = inspect(open_identities(packed))
    assert found.formats == {"PNG": 1}
    (line,) = found.unreadable
    assert line.startswith("ann/1.png: it cannot be read (damaged")


def test_an_encrypted_member_is_unreadable(tmp_path: Path) -> None:
    packed = tmp_path / "set.zip"
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("ann/1.png", png(noise(1)))
    content = bytearray(packed.read_bytes())
    # The flag of encryption, in the header of the file and in the directory.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    packed.write_bytes(content)
    assert "encrypted" in inspect(open_identities(packed)).unreadable[0]


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_that_was_cut_short_is_refused_or_known_by_its_count(tmp_path: Path, kind: str) -> None:
    packed = tmp_path / "set.tar"
    with tarfile.open(packed, kind) as tar:  # type: ignore[call-overload]
        tar.add(write_people(tmp_path / "set", {"ann": 40}), "set")
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    if kind != "w":
        with pytest.raises(DataError, match=r"set\.tar"):
            open_archive(packed)
        return
    # A plain tar opens as far as it goes.
    found = inspect(open_identities(packed))
    assert 0 < found.pictures < 40
    assert len(found.unreadable) <= 1


def test_a_file_that_is_too_large_is_not_unpacked_to_find_out() -> None:
    def read(name: str) -> bytes:
        raise AssertionError(name)

    bomb = Archive(Path("toy"), {"ann/1.png": 1 << 40}, read)
    (line,) = inspect(group(bomb)).unreadable
    assert "1,099,511,627,776 bytes" in line
    assert sample(group(bomb), 1, 1) == {"ann": []}


def test_the_sample_is_spread_and_passes_over_what_cannot_be_read() -> None:
    files = {f"p{person:02d}/{photo}.png": png(noise(photo)) for person in range(10) for photo in range(3)}
    files["p05/0.png"] = b"junk"
    shown = sample(people(files), 4, 2)
    assert list(shown) == ["p00", "p02", "p05", "p07"]
    assert [len(pictures) for pictures in shown.values()] == [2, 2, 2, 2]
    assert np.array_equal(shown["p05"][0], noise(1))
    assert np.array_equal(shown["p02"][0], noise(0))


@given(st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=4), min_size=1, max_size=4))
def test_every_repetition_is_found_and_no_other(seeds: list[list[int]]) -> None:
    """Pictures drawn from five: two are in one group exactly when they are the same."""
    drawn = {f"p{row}/{place}.png": seed for row, some in enumerate(seeds) for place, seed in enumerate(some)}
    found = looked({name: png(noise(seed, 3, 3)) for name, seed in drawn.items()})
    wanted = {
        tuple(name for name, seed in drawn.items() if seed == one)
        for one in drawn.values()
        if list(drawn.values()).count(one) > 1
    }
    assert {dup.pictures for dup in found.same_bytes} == wanted
    assert not found.same_pixels
    across = {names for names in wanted if len({name.partition("/")[0] for name in names}) > 1}
    assert {dup.pictures for dup in found.across} == across
