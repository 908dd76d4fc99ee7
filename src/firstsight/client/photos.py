"""A photo as a part of a request."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from firstsight.errors import ImageMissing, ImageTooLarge
from firstsight.gallery.text import storable
from firstsight.images import DEFAULT_LIMITS, Source, read_image
from firstsight.recognizer.encoder import label

FAST: Final = 1
"""Compression of PNG, 0 to 9: more of it costs seconds of a large photo and saves little."""

Part = tuple[str, bytes, str | None]
"""Name of the file, its bytes, and their type; without a type it is told by the name."""


def part(photo: Source, name: str | None = None) -> Part:
    """A photo as it is sent: files and bytes as they are, what is decoded already as PNG.

    Args:
        photo: a path, the bytes of a file, a PIL image or an array.
        name: what to call it; by default its file's name.

    Raises:
        ImageMissing, ImageTooLarge: the file.
        ImageUnreadable: the PIL image or the array.
    """
    called = storable(name or label(photo))
    if isinstance(photo, np.ndarray | Image.Image):
        return called, _png(photo), "image/png"
    return called, photo if isinstance(photo, bytes) else _content(Path(photo)), None


def _png(photo: Source) -> bytes:
    """Decoded by our decoder, so that the service sees what a recognizer would."""
    stream = io.BytesIO()
    Image.fromarray(read_image(photo)).save(stream, "PNG", compress_level=FAST)
    return stream.getvalue()


def _content(path: Path) -> bytes:
    """The bytes of a file that is not too large to be a photo."""
    try:
        if path.exists() and not path.is_file():
            raise ImageMissing(f"{path} is not a regular file.", hint="Name a picture file.")
        if (size := path.stat().st_size) > DEFAULT_LIMITS.bytes:
            raise ImageTooLarge(
                f"{path} has {size:,} bytes; at most {DEFAULT_LIMITS.bytes:,} are read.",
                hint="Make it smaller.",
            )
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageMissing(f"There is no file {path}.", hint="Check the path.") from error
    except (OSError, ValueError) as error:
        raise ImageMissing(
            f"{path} cannot be read ({error}).", hint="Check the path and its permissions."
        ) from error
