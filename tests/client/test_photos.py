from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from tests.client.service_double import ADA, Double, faces, says

from firstsight.client import photos
from firstsight.client.photos import part
from firstsight.errors import ImageMissing, ImageTooLarge, ImageUnreadable
from firstsight.images import DEFAULT_LIMITS, Source, read_image
from firstsight.service.settings import Settings

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
CLEAR = np.random.default_rng(1).integers(0, 256, (5, 7, 4), dtype=np.uint8)


def turned() -> Image.Image:
    """A picture that a camera stored on its side."""
    picture = Image.fromarray(COLOURS)
    picture.getexif()[0x0112] = 6
    return picture


@pytest.mark.parametrize("kind", [Path, str])
def test_a_file_is_sent_as_it_is(kind: type[Path] | type[str], tmp_path: Path) -> None:
    content = b"not even a picture\r\n\0\xff"
    (tmp_path / "ada.jpg").write_bytes(content)
    service = Double([says(faces())])
    service.client().identify(kind(tmp_path / "ada.jpg"))
    ((sent,),) = (asked.photos for asked in service.asked)
    assert (sent.field, sent.name, sent.kind, sent.content) == ("photo", "ada.jpg", "image/jpeg", content)


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview, io.BytesIO])
def test_bytes_are_sent_as_they_are(form: Callable[[bytes], Source]) -> None:
    service = Double([says(faces())])
    service.client().identify(form(b"\x89PNG\r\n\x1a\n\0\xff"))
    ((sent,),) = (asked.photos for asked in service.asked)
    assert (sent.name, sent.kind) == ("the picture", "application/octet-stream")
    assert sent.content == b"\x89PNG\r\n\x1a\n\0\xff"


@pytest.mark.parametrize(
    "photo",
    [
        GREY,
        GREY[:, :, None],
        COLOURS,
        COLOURS[::2, ::-1],
        CLEAR,
        Image.fromarray(GREY),
        Image.fromarray(COLOURS),
        Image.fromarray(CLEAR),
        turned(),
    ],
    ids=["grey", "grey with a channel", "rgb", "strided", "rgba", "L", "RGB", "RGBA", "turned"],
)
def test_what_is_decoded_is_sent_as_png_and_seen_as_it_was(photo: Source) -> None:
    service = Double([says(faces())])
    service.client().identify(photo)
    ((sent,),) = (asked.photos for asked in service.asked)
    assert (sent.name, sent.kind) == ("the picture", "image/png")
    with Image.open(io.BytesIO(sent.content)) as opened:
        assert opened.format == "PNG"
    np.testing.assert_array_equal(read_image(sent.content), read_image(photo))


NOISE = np.random.default_rng(2).integers(0, 256, (100, 150, 4), dtype=np.uint8)
"""What no format makes small: of a PNG three bytes a pixel are left, of a JPEG two and a half."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes that a service takes that takes less than the PNG of that noise."""
    assert Settings().photo.bytes == photos.MOST_BYTES
    monkeypatch.setattr(photos, "MOST_BYTES", 40_000)
    return photos.MOST_BYTES


@pytest.mark.parametrize(
    "photo", [NOISE[:, :, :3], NOISE, Image.fromarray(NOISE[:, :, :3])], ids=["rgb", "rgba", "RGB"]
)
def test_what_is_too_large_as_png_is_sent_as_jpeg(photo: Source, small: int) -> None:
    service = Double([says(faces())])
    service.client().identify(photo)
    ((sent,),) = (asked.photos for asked in service.asked)
    assert (sent.name, sent.kind) == ("the picture", "image/jpeg")
    assert len(sent.content) <= small
    with Image.open(io.BytesIO(sent.content)) as opened:
        assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (150, 100))
        assert JpegImagePlugin.get_sampling(opened) == 0  # No colour is at half size.
    seen, meant = read_image(sent.content).astype(int), read_image(photo).astype(int)
    assert np.abs(seen - meant).mean() < 6


def test_what_is_larger_still_is_made_to_fit(small: int) -> None:
    higher = np.concatenate([NOISE, NOISE[::-1]])[:150, :, :3]
    _, content, kind = part(higher)
    assert kind == "image/jpeg"
    assert len(content) <= small


def test_what_no_jpeg_can_hold_stays_png(small: int) -> None:
    noise = np.random.default_rng(4).integers(0, 256, (1, 66_000, 3), dtype=np.uint8)
    assert part(noise)[2] == "image/png"


def test_photos_have_the_name_that_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "ada.jpg").write_bytes(b"photo")
    assert part(tmp_path / "ada.jpg", "passport")[0] == "passport"
    assert part(tmp_path / "ada.jpg", "")[0] == "ada.jpg"
    assert part(COLOURS, "camera 1")[0] == "camera 1"


def test_several_without_a_name_are_counted(tmp_path: Path) -> None:
    (tmp_path / "ada.jpg").write_bytes(b"photo")
    service = Double([says(ADA, 201)])
    service.client().enroll("Ada", b"one", tmp_path / "ada.jpg", COLOURS)
    names = [sent.name for sent in service.asked[0].photos]
    assert names == ["picture 1 of 3", "ada.jpg", "picture 3 of 3"]


def test_a_name_that_is_no_text_can_be_sent(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"ad\xe4.jpg")
    try:
        path.write_bytes(b"photo")
    except (OSError, UnicodeError):
        pytest.skip("this file system takes names in Unicode only")
    service = Double([says(faces())])
    service.client().identify(path)
    assert b"photo" in service.asked[0].content


@pytest.mark.parametrize("name", ["missing.jpg", "ada.jpg/missing", "nul\0"])
def test_a_file_that_is_not_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "ada.jpg").write_bytes(b"photo")
    with pytest.raises(ImageMissing):
        part(tmp_path / name)


def test_only_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(ImageMissing, match="is a folder"):
        part(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageMissing, match="not a regular file"):
        part(tmp_path / "pipe")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "ada.jpg").write_bytes(b"photo")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageMissing, match="Permission denied"):
        part(tmp_path / "ada.jpg")


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "ada.jpg").open("wb") as file:
        file.truncate(DEFAULT_LIMITS.bytes + 1)  # a hole: no byte of it is on the disk
    with pytest.raises(ImageTooLarge, match="at most"):
        part(tmp_path / "ada.jpg")


def test_what_is_no_picture_is_not_sent() -> None:
    service = Double([says(faces())])
    with pytest.raises(ImageUnreadable):
        service.client().identify(COLOURS.astype(np.float32))
    assert service.asked == []
