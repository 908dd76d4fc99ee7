from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from firstsight.errors import ImageError, ImageMissing, ImageTooLarge, ImageUnreadable
from firstsight.images import ENDINGS, STRIP, Limits, fitted, needed_memory, read_image

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)


def corners() -> Image.Image:
    """64 x 32 with another colour in every quarter, so that no turn looks like another."""
    picture = Image.new("RGB", (64, 32), RED)
    picture.paste(GREEN, (32, 0, 64, 16))
    picture.paste(BLUE, (0, 16, 32, 32))
    picture.paste(WHITE, (32, 16, 64, 32))
    return picture


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def quarters(picture: NDArray[np.uint8]) -> list[list[int]]:
    """The colours in the middles of the quarters, row by row."""
    height, width = picture.shape[:2]
    places = [(height // 4, width // 4), (height // 4, 3 * width // 4)]
    places += [(3 * height // 4, width // 4), (3 * height // 4, 3 * width // 4)]
    return [picture[place].tolist() for place in places]


@pytest.mark.parametrize("turn", range(1, 9))
def test_every_exif_turn_comes_out_upright(turn: int) -> None:
    # How a camera stores the upright picture for each value of the tag (EXIF 2.3, 4.6.4).
    stored = {
        1: lambda whole: whole,
        2: lambda whole: whole.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda whole: whole.transpose(Image.Transpose.ROTATE_180),
        4: lambda whole: whole.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda whole: whole.transpose(Image.Transpose.TRANSPOSE),
        6: lambda whole: whole.transpose(Image.Transpose.ROTATE_90),
        7: lambda whole: whole.transpose(Image.Transpose.TRANSVERSE),
        8: lambda whole: whole.transpose(Image.Transpose.ROTATE_270),
    }[turn](corners())
    exif = Image.Exif()
    exif[0x0112] = turn
    read = read_image(encoded(stored, "PNG", exif=exif))
    assert read.shape == (32, 64, 3)
    assert quarters(read) == [list(RED), list(GREEN), list(BLUE), list(WHITE)]


def test_every_ending_is_that_of_its_format() -> None:
    """As Pillow has them, which writes a file by its ending."""
    known = Image.registered_extensions()
    for kind, endings in ENDINGS.items():
        assert endings
        assert {known[ending] for ending in endings} == {kind}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_formats(kind: str) -> None:
    read = read_image(encoded(corners(), kind))
    assert read.dtype == np.uint8
    assert np.abs(np.array(quarters(read)) - [RED, GREEN, BLUE, WHITE]).max() < 25


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "TIFF"
    content = encoded(
        Image.new("RGB", (16, 16), (128, 128, 128)).convert(mode)
        if mode != "LAB"
        else Image.new("LAB", (16, 16), (137, 128, 128)),
        kind,
    )
    assert np.abs(read_image(content).astype(int) - 128).max() < 12


def test_palette_grey_and_one_bit() -> None:
    palette = corners().convert("P", palette=Image.Palette.ADAPTIVE)
    assert quarters(read_image(encoded(palette, "PNG"))) == [
        list(RED),
        list(GREEN),
        list(BLUE),
        list(WHITE),
    ]
    assert (read_image(encoded(Image.new("L", (8, 8), 77), "PNG")) == 77).all()
    assert (read_image(encoded(Image.new("1", (8, 8), 1), "PNG")) == 255).all()


def test_sixteen_bits_keep_their_brightness() -> None:
    grey = Image.fromarray(np.full((8, 8), 0x8080, np.uint16))
    assert (read_image(encoded(grey, "PNG")) == 128).all()
    assert (read_image(encoded(grey, "TIFF")) == 128).all()


SIDE = 3000
"""Of a picture that is large beside all that Python holds."""
PEAK = """
import resource, sys
from firstsight.images import read_image
content = open(sys.argv[1], "rb").read()
read_image(open(sys.argv[2], "rb").read())  # what is loaded once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read_image(content)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.parametrize(
    ("mode", "kind", "turn"),
    [
        ("RGB", "JPEG", 1),
        ("RGB", "JPEG", 6),
        ("RGBA", "PNG", 1),
        ("I;16", "PNG", 1),
        ("F", "TIFF", 1),
        ("RGB", "WEBP", 1),
        ("RGB", "AVIF", 1),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="others count memory in other units")
def test_decoding_takes_no_more_memory_than_is_told(tmp_path: Path, mode: str, kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"exif": exif} if kind == "JPEG" else {"speed": 10} if kind == "AVIF" else {}
    for name, side in (("large", SIDE), ("small", 100)):
        (tmp_path / name).write_bytes(encoded(Image.new(mode, (side, side)), kind, **options))
    command = [sys.executable, "-c", PEAK, str(tmp_path / "large"), str(tmp_path / "small")]
    taken = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    told = needed_memory((tmp_path / "large").read_bytes())
    assert taken <= told
    assert told <= (24 if kind in ("WEBP", "AVIF") else 12) * SIDE**2


def test_memory_is_told_by_the_header_and_nothing_of_what_is_refused() -> None:
    assert needed_memory(bomb(1000, 1000)) >= 7_000_000
    assert needed_memory(bomb(30_000, 30_000)) == 0
    assert needed_memory(b"no picture") == 0


@pytest.mark.parametrize("turn", [1, 3, 6])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "F", "I"])
def test_strips_fit_together(mode: str, turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (61, 83, 4), np.uint8))
    picture = noise.convert("RGB" if mode == "P" else "L" if mode in ("F", "I") else mode).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = turn
    content = encoded(picture, "TIFF" if mode in ("F", "I") else "PNG", exif=exif)
    assert STRIP > 61 * 83
    whole = read_image(content)
    monkeypatch.setattr("firstsight.images.STRIP", 500)
    assert np.array_equal(read_image(content), whole)


def test_floats_are_scaled_by_the_brightest_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstsight.images.STRIP", 8)
    values = np.zeros((8, 8), np.float32)
    values[0], values[7] = 1, 200
    assert read_image(encoded(Image.fromarray(values), "TIFF"))[0, 0, 0] == 1
    values[7] = 0.5
    assert read_image(encoded(Image.fromarray(values), "TIFF"))[0, 0, 0] == 255


@pytest.mark.parametrize(("kind", "most"), [(np.int32, 255), (np.int32, 65535), (np.uint16, 65535)])
def test_grey_in_wide_numbers_is_as_bright_as_it_is_meant(kind: type[np.generic], most: int) -> None:
    """Programs widen grey of 8 bits to 32: it must not come out black."""
    ramp = np.tile(np.linspace(0, most, 64), (8, 1)).astype(kind)
    read = read_image(Image.fromarray(ramp))
    assert np.abs(read[:, :, 0] - np.linspace(0, 255, 64)).max() <= 1


def test_dark_grey_of_16_bits_stays_dark() -> None:
    assert read_image(Image.fromarray(np.full((8, 8), 255, np.uint16))).max() == 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    if mode == "P":
        picture = Image.new("P", (8, 8), 0)
        content = encoded(picture, "PNG", transparency=0)
    else:
        content = encoded(Image.new("RGBA", (8, 8), (10, 20, 30, 0)).convert(mode), "PNG")
    assert (read_image(content) == 255).all()


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.abs(read_image(content)[0, 0].astype(int) - RED).max() < 10


def test_arrays_and_pil_images() -> None:
    array = np.asarray(corners())
    assert np.array_equal(read_image(array), array)
    assert np.array_equal(read_image(corners()), array)
    assert read_image(array[:, :, 0]).shape == (32, 64, 3)
    assert (read_image(np.zeros((4, 4, 4), np.uint8)) == 255).all()
    own = read_image(array[:, ::-1])
    assert own.flags.c_contiguous
    assert np.array_equal(own, array[:, ::-1])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
    ],
    ids=["float", "two channels", "empty", "a line", "a batch"],
)
def test_arrays_that_are_no_picture(array: NDArray[np.uint8]) -> None:
    with pytest.raises(ImageUnreadable, match="shape"):
        read_image(array)


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises so many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(30_000, 30_000), (10_001, 10_000), (2**31 - 1, 1)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge):
        read_image(bomb(*size))


def test_limits_hold_for_every_kind_of_source(tmp_path: Path) -> None:
    few = Limits(pixels=100)
    with pytest.raises(ImageTooLarge):
        read_image(np.zeros((11, 10, 3), np.uint8), limits=few)
    with pytest.raises(ImageTooLarge):
        read_image(Image.new("RGB", (11, 10)), limits=few)
    with pytest.raises(ImageTooLarge):
        read_image(encoded(Image.new("RGB", (11, 10)), "PNG"), limits=few)
    (tmp_path / "big.png").write_bytes(encoded(corners(), "PNG"))
    with pytest.raises(ImageTooLarge, match="bytes"):
        read_image(tmp_path / "big.png", limits=Limits(bytes=10))
    assert read_image(np.zeros((10, 10, 3), np.uint8), limits=few).shape == (10, 10, 3)


def test_zero_pixels() -> None:
    with pytest.raises(ImageUnreadable):
        read_image(bomb(0, 0))
    with pytest.raises(ImageUnreadable):
        read_image(Image.new("RGB", (0, 0)))


def test_paths(tmp_path: Path) -> None:
    (tmp_path / "ok.png").write_bytes(encoded(corners(), "PNG"))
    assert np.array_equal(read_image(str(tmp_path / "ok.png")), read_image(tmp_path / "ok.png"))
    with pytest.raises(ImageMissing, match=r"no file .*missing\.png"):
        read_image(tmp_path / "missing.png")
    with pytest.raises(ImageMissing, match="is a folder"):
        read_image(tmp_path)
    with pytest.raises(ImageMissing):
        read_image(tmp_path / "ok.png" / "inside.png")
    with pytest.raises(ImageMissing):
        read_image("a\0b.png")
    with pytest.raises(ImageMissing):
        read_image("x" * 5000)
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageUnreadable, match=r"empty\.png is empty"):
        read_image(tmp_path / "empty.png")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageMissing, match="regular"):
        read_image(tmp_path / "pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    locked = tmp_path / "locked.png"
    locked.write_bytes(encoded(corners(), "PNG"))
    locked.chmod(0)
    with pytest.raises(ImageMissing, match="permission"):
        read_image(locked)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"])
def test_truncated_files(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    content = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ImageUnreadable):
        read_image(content[: len(content) // 2])


def test_not_a_picture() -> None:
    for content in (b"hello", b"%PDF-1.4", b"<svg/>", b"\x00" * 1000):
        with pytest.raises(ImageUnreadable, match="not a picture"):
            read_image(content)


@given(cut=st.integers(0, 3000), place=st.integers(0, 3000), value=st.integers(0, 255))
def test_damage_is_an_image_error_or_harmless(cut: int, place: int, value: int) -> None:
    content = bytearray(encoded(corners(), "JPEG")[: cut or None])
    if content:
        content[place % len(content)] = value
    try:
        read = read_image(bytes(content))
    except ImageError:
        return
    assert read.ndim == 3
    assert read.dtype == np.uint8


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 30), st.sampled_from([1, 3]), st.integers(0, 255)
)
def test_a_fitted_picture_fills_its_square(
    height: int, width: int, side: int, channels: int, value: int
) -> None:
    square = fitted(np.full((height, width, 3), value, np.uint8), side, channels)
    assert square.shape == (side, side, channels)
    assert square.dtype == np.uint8
    # Nothing is seen beside the picture but its own edge.
    assert (square == value).all()


def test_a_square_of_that_side_is_as_it_was() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    square = fitted(picture, 12, 3)
    assert (square == picture).all()
    assert not np.shares_memory(square, picture)
    grey = fitted(np.repeat(picture[:, :, :1], 3, axis=2), 12, 1)
    assert (grey == picture[:, :, :1]).all()


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_picture_that_is_not_square_is_seen_whole_in_its_proportions(scale: int) -> None:
    picture = np.asarray(corners().resize((64 * scale, 32 * scale), Image.Resampling.NEAREST))
    wide = fitted(picture, 64, 3)
    # It lies in the middle half; above and below, its edge is carried on.
    assert (wide[:16] == wide[16]).all()
    assert (wide[48:] == wide[47]).all()
    assert quarters(wide[16:48]) == [list(RED), list(GREEN), list(BLUE), list(WHITE)]
    assert (wide[16:31, :31] == RED).all()
    assert (wide[33:48, 33:] == WHITE).all()
    high = fitted(np.ascontiguousarray(np.rot90(picture)), 64, 3)
    assert (high == np.rot90(wide)).all()


def test_a_smaller_square_shows_means_and_a_larger_one_the_same_places() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    means = picture.reshape(12, 2, 12, 2, 3).mean(axis=(1, 3))
    assert np.abs(fitted(picture, 12, 3) - means).max() <= 0.5
    large = fitted(picture, 72, 3)
    assert (large[1::3, 1::3] == picture).all()


def test_grey_is_weighed_as_the_eye_does() -> None:
    for colour, value in ((RED, 87), (GREEN, 130), (BLUE, 52), (WHITE, 255)):
        # Rec. 601: 0.299 R + 0.587 G + 0.114 B.
        grey = fitted(np.full((5, 5, 3), colour, np.uint8), 5, 1)
        assert np.abs(grey.astype(int) - value).max() <= 1
