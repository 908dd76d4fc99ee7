"""A photo as a part of a request."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from firstsight.gallery.text import storable
from firstsight.images import Source, read_file, read_image
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
    return called, photo if isinstance(photo, bytes) else read_file(Path(photo)), None


def _png(photo: Source) -> bytes:
    """Decoded by our decoder, so that the service sees what a recognizer would."""
    stream = io.BytesIO()
    Image.fromarray(read_image(photo)).save(stream, "PNG", compress_level=FAST)
    return stream.getvalue()
