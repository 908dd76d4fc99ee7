"""From a data set as published to a prepared one: decode, find the face if there is to be one, cut."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from firstsight.datasets.archive import Archive, passes
from firstsight.datasets.prepared import (
    PIXELS,
    Item,
    Prepared,
    View,
    digest,
    discard,
    is_prepared,
    open_prepared,
    write_index,
)
from firstsight.errors import DataError, ImageError
from firstsight.faces import Detector, align, middle_face
from firstsight.faces.detector import edition
from firstsight.images import fitted, read_image
from firstsight.networks import OPENCV

PIECE: Final = 256
WORKERS: Final = 2
FIRST: Final = "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10 2 opencv"
"""Edition of the detector that keys do not name: what it cut was kept before they named any."""
Progress = Callable[[int, int], None]
"""Called with the number of pictures done and to be done."""
Crop = NDArray[np.uint8]


def prepare(
    sources: Sequence[tuple[Archive, Sequence[Item]]],
    view: View,
    cache: Path,
    *,
    strict: bool = False,
    progress: Progress | None = None,
) -> Prepared:
    """Decode pictures into a folder of the cache, or open it where that was done before.

    Args:
        sources: archives and which of their pictures.
        view: how to cut them.
        cache: folder of prepared sets.
        strict: refuse the data set when a picture cannot be used, instead of leaving the picture out.
        progress: called after every piece.

    Raises:
        DataError: a picture cannot be used and ``strict`` was asked for, none can, a file that the disk
            does not give, or the folder cannot be written.
    """
    everything = [item for _, items in sources for item in items]
    made = digest_of(sources, view)
    editions = "".join(archive.edition() for archive, _ in sources) + _detector(view)
    key = digest(editions, everything, view)[:24]
    folder = cache / key
    if not is_prepared(folder):
        try:
            cache.mkdir(parents=True, exist_ok=True)
            # Whoever else prepares the same set waits, and then finds it done.
            with FileLock(cache / f"{key}.lock"):
                if not is_prepared(folder):
                    _write(folder, made, sources, view, strict, progress)
        except OSError as error:
            raise DataError(
                f"{cache} cannot be written ({error.strerror or error}).",
                hint="Make room, or name another folder with --cache.",
            ) from error
    found = open_prepared(folder)
    if strict and found.unreadable:
        raise _refused(found.unreadable[0])
    return found


def digest_of(sources: Sequence[tuple[Archive, Sequence[Item]]], view: View) -> str:
    """The digest that a prepared set of those pictures has, without preparing it; see ``prepare``."""
    # By the names as they stand: rows go by them.
    names = "".join(archive.listing() for archive, _ in sources)
    return digest(names, [item for _, items in sources for item in items], view)


def _detector(view: View) -> str:
    """What tells faces that were cut from those that another detector would cut elsewhere."""
    used = edition(OPENCV)
    return "" if not view.points or used == FIRST else f" {used}"


def _write(
    folder: Path,
    made: str,
    sources: Sequence[tuple[Archive, Sequence[Item]]],
    view: View,
    strict: bool,
    progress: Progress | None,
) -> None:
    everything = [item for _, items in sources for item in items]
    part = folder.with_suffix(".part")
    for left_over in (part, folder):
        discard(left_over)
    try:
        part.mkdir()
        shape = (len(everything), view.side, view.side, view.channels)
        pixels = np.lib.format.open_memmap(part / PIXELS, "w+", np.uint8, shape)
        _reserve(part / PIXELS)
        kept: list[Item] = []
        unreadable: list[str] = []
        for done, (item, crop) in enumerate(_crops(sources, view), start=1):
            if isinstance(crop, str):
                if strict:
                    raise _refused(f"{item.name}: {crop}")
                unreadable.append(f"{item.name}: {crop}")
            else:
                pixels[len(kept)] = crop
                kept.append(item)
            if progress and (done % PIECE == 0 or done == len(everything)):
                progress(done, len(everything))
        if not kept:
            why = f" ({unreadable[0]})" if unreadable else ""
            raise DataError(f"None of {len(everything)} pictures can be used{why}.", hint="Check the data.")
        pixels.flush()
        if unreadable:
            _shorten(part, pixels[: len(kept)])
        del pixels
        write_index(part, kept, view, made, unreadable)
        part.replace(folder)
    finally:
        discard(part)


def _reserve(place: Path) -> None:
    """Take the room on the disk now: where it ran out under a mapped page, the process would be killed."""
    if not hasattr(os, "posix_fallocate"):
        return
    with place.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, place.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that cannot reserve
                raise


def _refused(picture: str) -> DataError:
    return DataError(picture, hint="Mend it, or leave --strict out.")


def _shorten(folder: Path, kept: Crop) -> None:
    shorter = folder / "shorter.npy"
    np.save(shorter, kept)
    shorter.replace(folder / PIXELS)


def _crops(
    sources: Sequence[tuple[Archive, Sequence[Item]]], view: View
) -> Iterator[tuple[Item, Crop | str]]:
    """Each picture's crop, or why there is none."""
    # Always the same: what was prepared is known by what it was made of, not by who looked for faces.
    see = partial(_face, Detector(engine=OPENCV), view) if view.points else partial(_whole, view)
    with ThreadPoolExecutor(WORKERS) as pool:
        for archive, items in sources:
            for start in range(0, len(items), PIECE):
                piece = items[start : start + PIECE]
                yield from zip(piece, pool.map(partial(_seen, archive, see), piece), strict=True)


def _seen(archive: Archive, see: Callable[[Crop], Crop | str], item: Item) -> Crop | str:
    try:
        return see(read_image(archive.read(item.name)))
    except ImageError as error:
        return error.message
    except OSError as error:
        if passes(error):
            # Kept in the cache, it would leave the picture out for good.
            raise DataError(
                f"{item.name} in {archive.path} cannot be read ({error.strerror or error}).",
                hint="Give the same command when it can be, or take the file away.",
            ) from error
        return f"it cannot be read ({error})"


def _whole(view: View, picture: Crop) -> Crop:
    return fitted(picture, view.side, view.channels)


def _face(detector: Detector, view: View, picture: Crop) -> Crop | str:
    face = middle_face(detector.detect(picture), picture.shape[1], picture.shape[0])
    if face is None:
        return "no face was found"
    crop = align(picture, face.landmarks, np.array(view.points, dtype=np.float32), view.side)
    if view.channels == 1:
        return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
    return crop
