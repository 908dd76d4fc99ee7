"""Pictures and zips that are not what they should be, each by its number."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.random import Generator
from PIL import Image
from tests.service.service_makers import zipped

T = TypeVar("T")
SIDE = 96
"""Pixels: a face is found in it, and quickly."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SEED = 20260101


@cache
def seeds(photos: tuple[Path, ...]) -> tuple[bytes, ...]:
    """Small good pictures, each in every format; of JPEG also one with EXIF and a progressive one."""
    made = []
    for photo in photos:
        with Image.open(photo) as opened:
            small = opened.convert("RGB").resize((SIDE, SIDE))
        exif = Image.Exif()
        exif[0x0112] = 6
        variants: list[tuple[str, dict[str, Any]]] = [
            *((name, {}) for name in FORMATS),
            ("JPEG", {"exif": exif, "progressive": True}),
        ]
        for name, options in variants:
            written = io.BytesIO()
            small.save(written, name, **options)
            made.append(written.getvalue())
    return tuple(made)


def mutated(number: int, good: tuple[bytes, ...]) -> tuple[str, bytes]:
    """How a picture was spoiled, and its bytes."""
    random = np.random.default_rng((SEED, number))
    kind = MUTATIONS[number % len(MUTATIONS)]
    content = kind(pick(random, good), random, good)
    if random.random() < 0.2:
        content = flipped(content, random, good)
    return kind.__name__, content


def mutated_zip(number: int, good: tuple[bytes, ...]) -> bytes:
    """A zip with a few pictures, spoiled inside or outside, or not at all."""
    random = np.random.default_rng((SEED, number))
    names = ["Ada/1.jpg", "Bob\\1.png", "../Cy/1.webp", "Dee.gif", "\ud7ff/\x01/1.bmp", "E" * 300 + "/1.jpg"]
    files = {pick(random, names): mutated(number + place, good)[1] for place in range(3)}
    content = zipped(files, int(random.choice([0, 8])))
    if random.random() < 0.7:
        content = pick(random, [flipped, cut, lying, repeated])(content, random, good)
    return content


def pick(random: Generator, some: Sequence[T]) -> T:
    return some[int(random.integers(len(some)))]


def untouched(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    return content


def flipped(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """A few bits, most of them near the beginning."""
    held = bytearray(content)
    for _ in range(int(random.integers(1, 20))):
        end = len(held) if random.random() < 0.5 else min(len(held), 200)
        held[int(random.integers(end))] ^= 1 << int(random.integers(8))
    return bytes(held)


def cut(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    return content[: int(random.integers(len(content)))]


def headless(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    return content[int(random.integers(1, len(content))) :]


def spliced(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """The beginning of one picture, the end of another."""
    other = pick(random, good)
    return content[: int(random.integers(4, 300))] + other[int(random.integers(4, len(other))) :]


def repeated(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """A piece of it stands there again, somewhere else."""
    start, place = (int(one) for one in random.integers(len(content), size=2))
    return content[:place] + content[start : start + int(random.integers(1, 400))] + content[place:]


def filled(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """A run of one byte in it."""
    place, length = int(random.integers(len(content))), int(random.integers(1, 300))
    run = bytes([pick(random, [0, 255, 127, 128])]) * length
    return content[:place] + run + content[place + length :]


def lying(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """A number near its beginning is far too large, or nothing."""
    form = pick(random, [">H", "<H", ">I", "<I"])
    size = struct.calcsize(form)
    largest = (1 << 8 * size) - 1
    value = struct.pack(form, pick(random, [0, 1, 1500, 65_500 % (largest + 1), largest // 2, largest]))
    place = int(random.integers(min(len(content), 400)))
    return content[:place] + value + content[place + size :]


def sized(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """Its header tells of another size, and is well formed otherwise."""
    width, height = (pick(random, [0, 1, 7, 95, 97, 700, 40_000, 65_535]) for _ in range(2))
    if content.startswith(b"\x89PNG"):
        head = b"IHDR" + struct.pack(">II", width, height) + content[24:29]
        return content[:12] + head + struct.pack(">I", zlib.crc32(head)) + content[33:]
    if content.startswith(b"GIF"):
        return content[:6] + struct.pack("<HH", width, height) + content[10:]
    if content.startswith(b"BM"):
        return content[:18] + struct.pack("<ii", width, pick(random, [height, -height])) + content[26:]
    if content.startswith(b"\xff\xd8"):
        frame = max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2"))
        return content[: frame + 5] + struct.pack(">HH", height, width) + content[frame + 9 :]
    return lying(content, random, good)


def noise(content: bytes, random: Generator, good: tuple[bytes, ...]) -> bytes:
    """The first bytes of a picture, and anything after them."""
    return content[: int(random.integers(2, 40))] + random.bytes(int(random.integers(1, 2000)))


Mutation = Callable[[bytes, Generator, tuple[bytes, ...]], bytes]
MUTATIONS: tuple[Mutation, ...] = (
    flipped,
    cut,
    spliced,
    lying,
    sized,
    repeated,
    filled,
    headless,
    noise,
    flipped,
    untouched,
)
