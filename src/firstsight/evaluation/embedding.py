"""From a data set's pictures to templates, by the same way as at use, kept for the next time.

Templates are kept in the user's cache in pieces, each written whole or not at all, so that an interrupted
run goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from firstsight.datasets import Archive
from firstsight.datasets.archive import passes
from firstsight.errors import DataError, ImageError
from firstsight.faces import Detector, middle_face
from firstsight.files import write_whole
from firstsight.images import read_image
from firstsight.models import Model

PIECE: Final = 1024
"""Pictures in one file of the cache."""
WORKERS: Final = 2
Progress = Callable[[int, int], None]
"""Called with the number of pictures done and to be done."""


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """The templates of some pictures of a data set."""

    names: tuple[str, ...]
    embeddings: NDArray[np.float32]
    """(N, D), rows of unit length; zeros where no face was found."""
    found: NDArray[np.bool_]
    """(N,): whether a face was found."""
    places: dict[str, int]
    """Row of each name."""

    def rows(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Rows of those pictures."""
        return np.array([self.places[name] for name in names], dtype=np.intp)


def embed_pictures(
    model: Model,
    archive: Archive,
    names: Sequence[str],
    *,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Templates:
    """One template for each picture: of its only face, or of the one nearest to its middle.

    A picture that is damaged, or in which no face is found, keeps a row of zeros and is never left out of a
    measure: it counts as the least like everything.

    Args:
        model: the model.
        archive: where the pictures are.
        names: which pictures.
        progress: called after every piece.
        cache: folder of the kept templates; the user's cache folder when None.

    Raises:
        DataError: the system does not let a picture be read.
        UsageError: the cache cannot be written.
    """
    detector = Detector()
    key = hashlib.sha256()
    engine = model.network.engine
    contract = (model.digest, model.preprocessing.version, engine, detector.edition, archive.edition())
    for text in (*contract, *names):
        # A file's name need not be UTF-8.
        key.update(text.encode(errors="surrogateescape") + b"\n")
    folder = (cache or user_cache_path("firstsight")) / "templates" / key.hexdigest()[:24]
    look = partial(_embed, model, detector, archive)
    pieces = list(in_pieces(folder, len(names), lambda rows: look(names[rows]), progress))
    embeddings = np.concatenate(pieces) if pieces else np.empty((0, model.dimension), np.float32)
    places = {name: row for row, name in enumerate(names)}
    return Templates(tuple(names), embeddings, np.asarray(embeddings.any(axis=1)), places)


def in_pieces(
    folder: Path,
    count: int,
    embed: Callable[[slice], NDArray[np.float32]],
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[NDArray[np.float32]]:
    """Templates of many pictures, each piece of which is made once and kept: an interruption costs one piece.

    A kept piece that is damaged is made again.

    Args:
        folder: of the pieces; it must belong to these pictures and this model alone.
        count: how many pictures.
        embed: makes the rows of some of them, (n, D).
        progress: called after every piece.

    Raises:
        UsageError: a piece cannot be written.
    """
    for start in range(0, count, PIECE):
        end, kept = min(start + PIECE, count), folder / f"{start:07d}.safetensors"
        rows = _kept(kept, end - start)
        if rows is None:
            rows = embed(slice(start, end))
            write_whole(kept, save({"templates": rows}))
        yield rows
        if progress:
            progress(end, count)


def _kept(place: Path, count: int) -> NDArray[np.float32] | None:
    """The rows of a kept piece; None where there is none, or what is there is damaged."""
    if not place.is_file():
        return None
    try:
        rows = load_file(place)["templates"]
    except (SafetensorError, KeyError):
        # Cut short by a disk or by a copy of the cache; what it held can be made again.
        return None
    return rows if len(rows) == count else None


def _embed(model: Model, detector: Detector, archive: Archive, names: Sequence[str]) -> NDArray[np.float32]:
    with ThreadPoolExecutor(WORKERS) as pool:
        crops = list(pool.map(partial(_crop, model, detector, archive), names))
    rows = np.zeros((len(names), model.dimension), dtype=np.float32)
    seen = [row for row, crop in enumerate(crops) if crop is not None]
    if seen:
        rows[seen] = model.embed(np.stack([crop for crop in crops if crop is not None]))
    return rows


def _crop(model: Model, detector: Detector, archive: Archive, name: str) -> NDArray[np.uint8] | None:
    try:
        picture = read_image(archive.read(name))
    except ImageError:
        return None
    except OSError as error:
        if not passes(error):
            return None
        # A row of zeros would be kept for good.
        raise DataError(
            f"{name} of {archive.path} cannot be read ({error.strerror or error}).",
            hint="Make it readable and run the same again: what was embedded before is kept.",
        ) from error
    if not model.preprocessing.points:
        return model.preprocessing.crop(picture)
    face = middle_face(detector.detect(picture), picture.shape[1], picture.shape[0])
    if face is None:
        return None
    return model.preprocessing.crop(picture, face.landmarks)
