"""The templates of all photos of a folder, without a gallery."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from firstsight.errors import FirstsightError, UsageError
from firstsight.recognizer.encoder import Encoder, the_only
from firstsight.recognizer.importing import FolderPhoto
from firstsight.recognizer.parts import Part
from firstsight.recognizer.pieces import Faces, Making, Pieces, read_outcomes
from firstsight.recognizer.pipeline import Seen, embed_each
from firstsight.recognizer.recognizer import contract

PIECE: Final = 2048
"""Photos in one file."""
LONGEST: Final = 60.0
"""Seconds after which fewer are written, so that little is lost where photos take long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one photo."""

    photo: FolderPhoto
    embedded: bool
    """False when it was embedded before, or refused."""
    faces: int = 0
    """How many templates it gave."""
    error: FirstsightError | None = None


def embed_photos(
    encoder: Encoder,
    photos: Sequence[FolderPhoto],
    out: Path,
    *,
    one_face: bool = False,
    part: Part | None = None,
    workers: int | None = None,
) -> Generator[Outcome, None, None]:
    """Write the templates of photos into a folder, see ``pieces``.

    What was embedded before is passed over, so that an interrupted run goes on where it stopped; what was
    refused is tried again. A photo that changed under its name is not noticed. Closed or interrupted, the
    generator writes what was yielded before it ends.

    Args:
        encoder: finds the faces and embeds them.
        photos: of a folder, see ``find_photos``; of it this process's part.
        out: the folder to write into, made when it is not there.
        one_face: refuse a photo that does not show exactly one face; otherwise every face gets a row, and
            a photo without any none.
        part: which part they are, for the names of the files; the whole when None.
        workers: threads that look at photos; two more than there are cores when None.

    Yields:
        An outcome for each photo, in their order.

    Raises:
        UsageError: the folder cannot be written, holds other templates, or another process is at it.
        DataError: what the folder holds is damaged.
    """
    part = part or Part()
    making = Making(contract(encoder.model), one_face)
    with _alone(out, part):
        before = read_outcomes(out, making)
        pieces = Pieces(out, f"{part.rank + 1}-of-{part.count}", making)

        def look(photo: FolderPhoto) -> Seen[Faces | None]:
            if before.get(photo.label, "new") is None:
                return Seen(None, None)
            return _look(encoder, photo, one_face)

        begun = time.monotonic()
        try:
            with closing(embed_each(encoder.model, photos, look, workers=workers)) as done:
                for each in done:
                    label = each.item.label
                    if each.kept:
                        faces = Faces(each.embeddings, each.kept.boxes, each.kept.qualities)
                        pieces.add(label, faces)
                    elif each.error and before.get(label) != each.error.code:
                        pieces.add(label, each.error)
                    if len(pieces) >= PIECE or time.monotonic() > begun + LONGEST:
                        pieces.write()
                        begun = time.monotonic()
                    yield Outcome(each.item, bool(each.kept), len(each.embeddings), each.error)
        finally:
            pieces.write()


def _look(encoder: Encoder, photo: FolderPhoto, one_face: bool) -> Seen[Faces | None]:
    """The faces of a photo, judged before they are embedded: the picture need not be kept until then."""
    found = encoder.find(photo.path)
    faces = found.encoded(np.empty((len(found.faces), 0), np.float32))
    if one_face:
        the_only(faces, photo.path.name)
    sides = [(box.left, box.top, box.width, box.height) for box in (face.box for face in found.faces)]
    boxes: NDArray[np.float32] = np.array(sides, np.float32).reshape(-1, 4)
    qualities = np.array([face.quality().score for face in faces], np.float32)
    return Seen(found.crops, Faces(np.empty((len(faces), 0), np.float32), boxes, qualities))


@contextmanager
def _alone(out: Path, part: Part) -> Iterator[None]:
    """Nobody else writes the same part meanwhile.

    Raises:
        UsageError: somebody does, or the folder cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = FileLock(out / f"{part.rank + 1}-of-{part.count}.lock")
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UsageError(
            f"Another process is embedding part {part} into {out}.", hint="Wait for it, or name another."
        ) from error
    except OSError as error:
        raise UsageError(f"{out} cannot be written ({error}).", hint="Name another folder.") from error
    try:
        yield
    finally:
        lock.release()
