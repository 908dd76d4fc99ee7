"""The only decoder: a path, bytes, a PIL image or an array becomes an upright RGB picture.

Limits are held before work: the size of a file before it is read, the number of pixels from the header
before they are decoded. Colour profiles are ignored; of an animation the first frame is taken; what is
transparent lies on white, as it does on a page.
"""

from __future__ import annotations

import io
import os
import stat
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from firstsight.errors import ImageError, ImageMissing, ImageTooLarge, ImageUnreadable

Source = Path | str | bytes | bytearray | memoryview | BinaryIO | Image.Image | NDArray[Any]
"""What a picture can be read from."""

ENDINGS: Final = {
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
}
"""Endings of the files of each format that is read, in small letters: by them pictures are found among other
files. What a file holds is told by its content alone."""
OTHER_ENDINGS: Final = (".heic", ".heif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw")
"""Of photos that are not read: found all the same, so that they are refused by name, not passed over."""
FORMATS: Final = tuple(ENDINGS)
READABLE: Final = "JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF"
DAMAGE: Final = (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, TypeError, RuntimeError)
"""What Pillow's readers raise over broken files."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is refused before it costs anything."""

    bytes: int = 64 * 2**20
    """Largest file."""
    pixels: int = 100_000_000
    """Largest picture, as its header tells it."""


DEFAULT_LIMITS: Final = Limits()
STRIP: Final = 1_000_000
"""Pixels that are converted at once: of anything but the picture and what becomes of it, only so many are
held."""
COST: Final = {"WEBP": 24, "AVIF": 24}
"""Bytes a pixel that decoding takes at most, by format, with what the format's own library holds."""
USUAL: Final = 12
"""The same of the others: Pillow's picture of 4 bytes a pixel, ours of 3, and some in reserve."""
ROUNDING: Final = 0.02
"""By which proportions may differ after a picture was made smaller."""
_filtering: Final = threading.Lock()


def read_image(source: Source, *, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Decode a picture and turn it upright.

    Args:
        source: a path, the bytes of a file, a file that was opened for reading them, a PIL image, or an
            array: uint8 of shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA. Arrays are upright as
            they are. So is a PIL image that was made or turned by hand; one as it was opened, or that still
            has the proportions its EXIF tells, is turned as that says.
        limits: refused when exceeded.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous, its own memory.

    Raises:
        ImageMissing: no file at the path, or none that may be read.
        ImageUnreadable: no picture, an unknown format, a truncated or empty one, a wrong array.
        ImageTooLarge: more bytes or pixels than the limits allow.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    if isinstance(source, Image.Image):
        _check_pixels(source.size, "the picture", limits)
        return _turned(*_decoded(source, "the picture"))
    if isinstance(source, str | os.PathLike):
        name, content = str(source), read_file(Path(source), limits)
    else:
        name, content = "the picture", given(source, limits)
    return _turned(*_read(content, name, limits))


def needed_memory(content: bytes, *, limits: Limits = DEFAULT_LIMITS) -> int:
    """Bytes that decoding takes at most, as the header tells; 0 of what ``read_image`` would refuse."""
    try:
        with _opened(content, "the picture", limits) as picture:
            return picture.width * picture.height * COST.get(picture.format or "", USUAL)
    except ImageError:
        return 0


def read_file(path: Path, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The bytes of a regular file within the limits.

    Raises:
        ImageMissing: no file at the path, or none that may be read.
        ImageTooLarge: more bytes than the limits allow.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            if not os.access(path, os.R_OK | os.X_OK):
                raise ImageMissing(f"{path} is a folder that may not be read.", hint="Check its permissions.")
            raise ImageMissing(f"{path} is a folder.", hint="Name a picture inside it.")
        if not stat.S_ISREG(status.st_mode):
            raise ImageMissing(f"{path} is not a regular file.", hint="Name a picture file.")
        if status.st_size > limits.bytes:
            raise _too_many_bytes(str(path), status.st_size, limits)
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise ImageMissing(
                f"{path} is a link that leads nowhere.", hint="Mend the link, or take it out."
            ) from error
        raise ImageMissing(f"There is no file {path}.", hint="Check the path.") from error
    except (OSError, ValueError) as error:
        raise ImageMissing(
            f"{path} cannot be read ({error}).", hint="Check the path and its permissions."
        ) from error


def given(source: object, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """What was handed over as bytes or as an open file, of which no more is read than is allowed.

    Raises:
        ImageTooLarge: more bytes than the limits allow.
        ImageUnreadable: neither of the two, or a file that cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        count = memoryview(source).nbytes
        if count > limits.bytes:
            raise _too_many_bytes("the picture", count, limits)
        return bytes(source)
    if callable(read := getattr(source, "read", None)):
        return _drained(read, limits)
    raise ImageUnreadable(
        f"A {type(source).__name__} is not a picture.",
        hint="Give a path, bytes, an open file, a PIL image or an array.",
    )


def _drained(read: Callable[[int], object], limits: Limits) -> bytes:
    """An open file from where it stands, which may give less at a time than it is asked for."""
    content = bytearray()
    try:
        while len(content) <= limits.bytes and (some := read(limits.bytes + 1 - len(content))):
            if not isinstance(some, bytes | bytearray | memoryview):
                raise ImageUnreadable(
                    f"The open file gives {type(some).__name__}, not bytes.", hint="Open it in mode 'rb'."
                )
            content += some
    except (OSError, ValueError) as error:  # closed, not for reading, or text in another code
        raise ImageUnreadable(
            f"The picture cannot be read from the open file ({error}).", hint="Open it in mode 'rb'."
        ) from error
    if len(content) > limits.bytes:
        raise ImageTooLarge(
            f"the picture has more than the {limits.bytes:,} bytes that are read.", hint="Make it smaller."
        )
    return bytes(content)


def _opened(content: bytes, name: str, limits: Limits) -> Image.Image:
    """The picture with its header read and checked, its pixels not yet decoded."""
    if not content:
        raise ImageUnreadable(f"{name} is empty.", hint="Copy or download it again.")
    try:
        # Pillow warns of bombs by a limit of its own; ours is checked below. Python's filters are
        # global, so that only one thread at a time may change them.
        with _filtering, warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise ImageTooLarge(
            f"{name} has too many pixels; at most {limits.pixels:,} are read.",
            hint="Make it smaller.",
        ) from error
    except UnidentifiedImageError as error:
        raise ImageUnreadable(f"{name} is not a picture.", hint=f"Give a {READABLE}.") from error
    except DAMAGE as error:
        raise _damaged(name, error) from error
    _check_pixels(picture.size, name, limits)
    return picture


def _read(content: bytes, name: str, limits: Limits) -> tuple[NDArray[np.uint8], int]:
    """As ``_decoded``. Pillow's picture is let go of at the end, before ours is turned."""
    with _opened(content, name, limits) as picture:
        return _decoded(picture, name)


def _decoded(picture: Image.Image, name: str) -> tuple[NDArray[np.uint8], int]:
    """On white, in 8 bits RGB, and how it is to be turned (EXIF 2.3, 4.6.4).

    In strips: Pillow's own ways hold several whole pictures at a time.
    """
    try:
        picture.load()
        # After loading, which turns some kinds upright by itself.
        turn = picture.getexif().get(ExifTags.Base.Orientation, 1) if _as_stored(picture) else 1
        width, height = picture.size
        pixels = np.empty((height, width, 3), np.uint8)
        rows = max(1, STRIP // width)
        strips = [(top, min(top + rows, height)) for top in range(0, height, rows)]
        deep = picture.mode.startswith(("I", "F"))
        scale = _scale(picture, strips) if deep else 1.0
        for top, bottom in strips:
            strip = picture.crop((0, top, width, bottom))
            pixels[top:bottom] = _eight_bits(strip, scale)[:, :, None] if deep else _on_white(strip)
    except DAMAGE as error:
        raise _damaged(name, error) from error
    return pixels, turn


def _as_stored(picture: Image.Image) -> bool:
    """Whether a picture still lies as its file has it, so that the turn in its EXIF is still to be made.

    What Pillow makes of a picture keeps the EXIF, whatever was done, but not the format that was read.
    Whether it was turned by hand or only converted is then told by the sides that cameras note; where they
    did not, who made it is taken to have seen it.
    """
    if picture.format is not None:
        return True
    noted = picture.getexif().get_ifd(ExifTags.IFD.Exif)
    width, height = (noted.get(tag) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight))
    if not (isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0):
        return False
    return abs(picture.width * height / (picture.height * width) - 1) < ROUNDING


def _turned(pixels: NDArray[np.uint8], turn: int) -> NDArray[np.uint8]:
    """Upright."""
    if turn in (3, 4, 6, 7):
        pixels = pixels[::-1]
    if turn in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if turn in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels)


def _on_white(picture: Image.Image) -> NDArray[np.uint8]:
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _scale(picture: Image.Image, strips: list[tuple[int, int]]) -> float:
    """What such grey is multiplied by: floats run from 0 to 1 or 255, whole numbers to 65,535.

    Those of 32 bits may be grey of 8 bits as well, which programs widen.
    """
    if picture.mode.startswith("I;16"):
        return 1 / 257
    width = picture.width
    top = np.max([np.asarray(picture.crop((0, low, width, high))).max() for low, high in strips])
    if picture.mode.startswith("I"):
        return 1.0 if top <= 255 else 1 / 257
    return 255.0 if top <= 1 else 1.0


def _eight_bits(picture: Image.Image, scale: float) -> NDArray[np.uint8]:
    """Grey of more than 8 bits."""
    values = np.asarray(picture, dtype=np.float64) * scale
    return np.clip(np.nan_to_num(values).round(), 0, 255).astype(np.uint8)


def _from_array(array: NDArray[Any], limits: Limits) -> NDArray[np.uint8]:
    grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    colour = array.ndim == 3 and array.shape[2] in (3, 4)
    if array.dtype != np.uint8 or not (grey or colour) or not array.size:
        raise ImageUnreadable(
            f"An array of shape {array.shape} and type {array.dtype} is not a picture.",
            hint="Give uint8 of shape (H, W), (H, W, 3) RGB or (H, W, 4) RGBA.",
        )
    height, width = array.shape[:2]
    _check_pixels((width, height), "the array", limits)
    if grey:
        return np.repeat(array.reshape(height, width, 1), 3, axis=2)
    if array.shape[2] == 3:
        return np.array(array, order="C")
    return _turned(*_decoded(Image.fromarray(np.ascontiguousarray(array)), "the array"))


def _check_pixels(size: tuple[int, int], name: str, limits: Limits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageUnreadable(f"{name} has no pixels ({width} x {height}).", hint="Give another.")
    if width * height > limits.pixels:
        raise ImageTooLarge(
            f"{name} has {width} x {height} pixels; at most {limits.pixels:,} are read.",
            hint="Make it smaller.",
        )


def _too_many_bytes(name: str, count: int, limits: Limits) -> ImageTooLarge:
    return ImageTooLarge(
        f"{name} has {count:,} bytes; at most {limits.bytes:,} are read.", hint="Make it smaller."
    )


def _damaged(name: str, error: Exception) -> ImageUnreadable:
    return ImageUnreadable(f"{name} is damaged or cut short ({error}).", hint="Copy or download it again.")


def fitted(picture: NDArray[np.uint8], side: int, channels: int) -> NDArray[np.uint8]:
    """The whole picture inside a square, its edges carried on where it is not square itself.

    Args:
        picture: (H, W, 3) uint8 RGB.
        side: of the square in pixels.
        channels: 1 for grey, 3 for RGB.

    Returns:
        (side, side, channels) uint8.
    """
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shown = picture if channels == 3 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if size != (width, height):
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (side - size[0]) // 2, (side - size[1]) // 2
    right, bottom = side - size[0] - left, side - size[1] - top
    square = cv2.copyMakeBorder(shown, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return np.asarray(square, np.uint8).reshape(side, side, channels)
