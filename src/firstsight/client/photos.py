"""A photo as a part of a request."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from firstsight.gallery.text import storable
from firstsight.images import Source, given, read_file, read_image
from firstsight.recognizer.encoder import label

FAST: Final = 1
"""Compression of PNG, 0 to 9: more of it costs seconds of a large photo and saves little."""

MOST_BYTES: Final = 16 * 2**20
"""Of a photo that the service takes. A PNG of twelve million pixels has more, and the upload would be for
nothing."""
QUALITIES: Final = (95, 85, 75)
"""Of the JPEG that is sent then, the first that is small enough; colours are kept at full size."""

Part = tuple[str, bytes, str | None]
"""Name of the file, its bytes, and their type; without a type it is told by the name."""


def part(photo: Source, name: str | None = None, place: int = 1, count: int = 1) -> Part:
    """A photo as it is sent: files and bytes as they are, what is decoded already as PNG, large ones as JPEG.

    Args:
        photo: a path, the bytes of a file, an open file, a PIL image or an array.
        name: what to call it; by default its file's name.
        place: which of several it is, from 1 on; told of those that have no name.
        count: how many are sent.

    Raises:
        ImageMissing, ImageTooLarge: the file.
        ImageUnreadable: the PIL image, the array or the open file, or none of these.
    """
    called = storable(name or label(photo, place, count))
    if isinstance(photo, np.ndarray | Image.Image):
        return called, *_encoded(photo)
    return called, read_file(Path(photo)) if isinstance(photo, str | os.PathLike) else given(photo), None


def _encoded(photo: Source) -> tuple[bytes, str]:
    """Decoded by our decoder, so that the service sees what a recognizer would; bytes and type."""
    picture = Image.fromarray(read_image(photo))
    content = _written(picture, "PNG", compress_level=FAST)
    if len(content) <= MOST_BYTES:
        return content, "image/png"
    # Wider or higher than any JPEG can be, it stays what it is, and the service says that it is too large.
    with suppress(OSError):
        for quality in QUALITIES:
            smaller = _written(picture, "JPEG", quality=quality, subsampling=0)
            if len(smaller) <= MOST_BYTES:
                break
        return smaller, "image/jpeg"
    return content, "image/png"


def _written(picture: Image.Image, form: str, **options: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()
