"""Where the time goes, from a photo to a name and in a step of training.

    python -m benchmarks.breakdown --data PATH_TO_LFW --json docs/results/breakdown.json

The stages are called one by one as ``Recognizer.identify`` and the training loop call them; what these take
as a whole is measured beside them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from rich.console import Console

from benchmarks.origin import origin
from benchmarks.pictures import small, wide, written
from benchmarks.steps import CUTTING, STAGES, WHOLE, Stepper
from benchmarks.timing import Timing, milliseconds
from firstsight import Recognizer
from firstsight.datasets import open_lfw
from firstsight.faces.quality import assess
from firstsight.files import write_whole
from firstsight.gallery import NewTemplate
from firstsight.images import read_image
from firstsight.training import read_recipe

THREADS: Final = 2
MODELS: Final = ("sface", "faces-distilled")
RECIPES: Final = ("faces-distilled", "omniglot-koch-he")
PEOPLE: Final = 1_000
"""Enrolled."""
PHOTOS: Final = 20
ROUNDS: Final = 5
STEPS: Final = 8
SEED: Final = 0
PARTS: Final = ("decode", "detect", "align", "quality", "embed", "search")
PHOTO: Final = "photo to name"
TRAINING: Final = "training step"

console = Console(stderr=True)


def main() -> None:
    """Run both and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--quick", action="store_true", help="a few photos and steps, to see it work")
    options = parser.parse_args()
    torch.set_num_threads(THREADS)
    cv2.setNumThreads(THREADS)
    lfw = open_lfw(options.data).identities
    photos, rounds, steps = (3, 1, 1) if options.quick else (PHOTOS, ROUNDS, STEPS)
    found: dict[str, dict[str, dict[str, Timing]]] = {PHOTO: {}, TRAINING: {}}
    with tempfile.TemporaryDirectory() as made:
        files = {}
        for size, bodies in (("250 x 250", small(lfw)), ("1920 x 1080", wide(lfw))):
            folder = Path(made) / size
            folder.mkdir()
            files[size] = written(folder, bodies[:photos])
        for model in MODELS:
            with gallery(model, Path(made) / f"{model}.db") as recognizer:
                for size, photos_of_size in files.items():
                    console.print(f"photo to name: {model}, {size}")
                    found[PHOTO][f"{model}, {size}"] = from_photo(recognizer, photos_of_size, rounds)
        for name in options.recipes:
            console.print(f"training step: {name}")
            stepper = Stepper(read_recipe(name), torch.device("cpu"), workers=THREADS)
            # One after the other: the stages train the same twin.
            whole = stepper.whole(steps, Path(made) / name)
            found[TRAINING][f"{name}, {stepper.pictures} pictures"] = {
                **stepper.stages(steps),
                WHOLE: whole,
            }
    values: dict[str, Any] = {
        "protocol": "breakdown",
        "rule": "The stages as the recognizer and the training loop call them, one after the other.",
        "stages": {PHOTO: list(PARTS), TRAINING: list(STAGES)},
        "beside": {PHOTO: [], TRAINING: [CUTTING]},
        "jobs": {
            job: {
                title: {stage: timing.as_json() for stage, timing in timings.items()}
                for title, timings in titles.items()
            }
            for job, titles in found.items()
        },
        "settings": {
            "threads": THREADS,
            "people": PEOPLE,
            "photos": photos,
            "rounds": rounds,
            "steps": steps,
        },
        "provenance": origin(lfw, SEED),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def gallery(model: str, place: Path) -> Recognizer:
    """A recognizer in which so many made-up people are enrolled."""
    recognizer = Recognizer(place, model=model)
    draw = np.random.default_rng(SEED)
    for number, row in enumerate(draw.normal(size=(PEOPLE, recognizer.encoder.model.dimension))):
        template = (row / np.linalg.norm(row)).astype(np.float32)
        recognizer.store.add(f"Person {number}", [NewTemplate(template)])
    return recognizer


def from_photo(recognizer: Recognizer, files: Sequence[Path], rounds: int) -> dict[str, Timing]:
    """Milliseconds of each stage of a photo, the mean over the photos of a round; and of all together."""
    spent: dict[str, list[float]] = defaultdict(list)
    recognizer.identify(files[0])
    for _ in range(rounds):
        once: dict[str, float] = dict.fromkeys((*PARTS, WHOLE), 0.0)
        for file in files:
            stages(recognizer, file, once)
            once[WHOLE] += milliseconds(partial(recognizer.identify, file))
        for stage, took in once.items():
            spent[stage].append(took / len(files))
    return {stage: Timing.of(values) for stage, values in spent.items()}


def stages(recognizer: Recognizer, file: Path, spent: dict[str, float]) -> None:
    """What ``identify`` does with a photo, stage by stage; the milliseconds are added to ``spent``."""
    encoder = recognizer.encoder

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent[stage] += 1000 * (time.perf_counter() - began)

    with timed("decode"):
        picture = read_image(file)
    with timed("detect"):
        faces = encoder.detector.detect(picture)
    with timed("align"):
        crops = encoder.crops(picture, [face.landmarks for face in faces])
    with timed("embed"):
        embeddings = encoder.model.embed(crops)
    if faces:
        with timed("search"):
            recognizer.store.search(embeddings, 2)
    with timed("quality"):
        for face in faces:
            assess(picture, face)


if __name__ == "__main__":
    main()
