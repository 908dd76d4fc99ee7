"""What a picture may be handed over as, beside paths and arrays."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.test_images import BLUE, GREEN, RED, WHITE, corners, encoded, quarters

from firstsight.errors import ImageTooLarge, ImageUnreadable
from firstsight.images import Limits, read_image


def turned_away(*, sides: bool) -> Image.Image:
    """``corners`` opened from a file as a telephone writes it: lying on its side, with a tag that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    if sides:
        exif.get_ifd(0x8769).update({0xA002: 32, 0xA003: 64})
    stored = corners().transpose(Image.Transpose.ROTATE_90)
    return Image.open(io.BytesIO(encoded(stored, "PNG", exif=exif)))


@pytest.mark.parametrize("sides", [True, False])
@pytest.mark.parametrize(
    "made",
    [
        lambda opened: opened,
        lambda opened: opened.transpose(Image.Transpose.ROTATE_270),
        lambda opened: opened.convert("RGB").rotate(-90, expand=True),
        lambda opened: opened.transpose(Image.Transpose.ROTATE_270).resize((32, 16)).copy(),
        ImageOps.exif_transpose,
        lambda opened: Image.fromarray(np.asarray(opened.rotate(-90, expand=True))),
    ],
    ids=["as opened", "transposed", "rotated", "smaller", "by Pillow", "an array"],
)
def test_a_pil_image_is_turned_once(made: Callable[[Image.Image], Image.Image], sides: bool) -> None:
    """Pillow keeps the tag in what was turned by hand: by it, it would be turned again."""
    read = read_image(made(turned_away(sides=sides)))
    assert read.shape[1] == 2 * read.shape[0]
    assert quarters(read) == [list(RED), list(GREEN), list(BLUE), list(WHITE)]


@pytest.mark.parametrize(
    "made",
    [
        lambda opened: opened.convert("RGB"),
        lambda opened: opened.copy(),
        lambda opened: opened.convert("RGB").resize((16, 32)),
    ],
    ids=["converted", "copied", "smaller"],
)
def test_a_pil_image_that_was_only_converted_is_turned_too(
    made: Callable[[Image.Image], Image.Image],
) -> None:
    """Nearly every program converts what it opens; a camera's own sides tell that nobody turned it."""
    assert quarters(read_image(made(turned_away(sides=True)))) == [
        list(RED),
        list(GREEN),
        list(BLUE),
        list(WHITE),
    ]


class Endless(io.BytesIO):
    """A file that never ends, and counts what was read of it."""

    taken = 0

    def read(self, count: int | None = -1) -> bytes:
        assert count is not None
        assert count >= 0
        self.taken += count
        return bytes(count)


class Slow(io.BytesIO):
    """A file that gives a little at a time, as one from the network may."""

    def read(self, count: int | None = -1) -> bytes:
        return super().read(min(count or 0, 10))


def test_bytes_of_every_kind_and_open_files(tmp_path: Path) -> None:
    content = encoded(corners(), "PNG")
    (tmp_path / "a.png").write_bytes(content)
    whole = read_image(content)
    with (tmp_path / "a.png").open("rb") as opened:
        for source in (bytearray(content), memoryview(content), io.BytesIO(content), Slow(content), opened):
            assert np.array_equal(read_image(source), whole)
    with pytest.raises(ImageUnreadable, match="open file"):
        read_image(opened)  # which is closed
    few = Limits(bytes=len(content) - 1)
    for source in (bytearray(content), memoryview(content), io.BytesIO(content)):
        with pytest.raises(ImageTooLarge, match="bytes"):
            read_image(source, limits=few)
    endless = Endless()
    with pytest.raises(ImageTooLarge, match="bytes"):
        read_image(endless, limits=Limits(bytes=100))
    assert endless.taken == 101
    text = io.StringIO("hello")
    with pytest.raises(ImageUnreadable, match="gives str") as refused:
        read_image(text)  # type: ignore[arg-type]
    assert "'rb'" in refused.value.hint


@pytest.mark.parametrize("source", [None, 5, ["a.png"], {"path": "a.png"}])
def test_what_is_nothing_that_a_picture_can_be_read_from(source: Any) -> None:
    with pytest.raises(ImageUnreadable, match="is not a picture") as refused:
        read_image(source)
    assert refused.value.hint.startswith("Give a path, bytes, an open file, a PIL image or an array")
