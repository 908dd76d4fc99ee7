"""Many photos: how many in a second on one core, and how much a second core adds.

    python -m benchmarks.bulk --data PATH_TO_LFW --json docs/results/bulk.json

Photos of LFW lie in a folder as files. What ``firstsight embed`` and ``firstsight enroll --folder`` do is
done on one core and on two, taking turns, in one process that is held to those cores; opening the model is
not counted. An efficiency of 100 % says that two cores do twice as many photos as one; the one is another in
each round. How much two cores of this machine can do at all is asked beside it, of plain products of matrices
that fit the caches, in two threads which nothing connects.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Final

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from rich.console import Console

from benchmarks.origin import origin
from benchmarks.pictures import written
from benchmarks.timing import Timing, compare, figure
from firstsight.datasets import Identities, open_lfw
from firstsight.files import write_whole
from firstsight.networks import one_thread_each
from firstsight.recognizer import Encoder, Recognizer
from firstsight.recognizer.embedding import embed_photos
from firstsight.recognizer.importing import Choices, FolderPhoto, find_photos, import_photos

MODELS: Final = ("faces-distilled", "sface")
PHOTOS: Final = 400
ROUNDS: Final = 6
SEED: Final = 0
SIDE: Final = 192
PRODUCTS: Final = 2000

Job = Callable[[], object]
console = Console(stderr=True)


def main() -> None:
    """Time all and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="a few photos, to see it work")
    options = parser.parse_args()
    photos, rounds = (16, 2) if options.quick else (options.photos, options.rounds)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("there is one core only")
    lfw = open_lfw(options.data).identities
    timings: dict[str, Timing] = {}
    with tempfile.TemporaryDirectory() as folder:
        found = spread(lfw, photos, Path(folder) / "photos")
        for model in MODELS:
            console.print(model)
            timings |= timed(jobs(model, found, Path(folder)), cores, rounds)
    console.print("products of matrices")
    timings |= timed({"products": products}, cores, rounds)
    values: dict[str, Any] = {
        "protocol": "bulk",
        "rule": "One core and two take turns in one run; an efficiency of 100 % is twice as many on two.",
        **figures(timings, photos),
        "settings": {"photos": photos, "rounds": rounds},
        "timings": {name: timing.as_json() for name, timing in timings.items()},
        "provenance": origin(lfw, SEED),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def spread(lfw: Identities, photos: int, folder: Path) -> list[FolderPhoto]:
    """Photos of as many people, as files."""
    folder.mkdir()
    people = [*lfw.pictures.values()][: photos * (len(lfw.pictures) // photos) : len(lfw.pictures) // photos]
    written(folder, [lfw.archive.read(pictures[0]) for pictures in people])
    return find_photos(folder)


def jobs(model: str, photos: list[FolderPhoto], folder: Path) -> dict[str, Job]:
    """What is timed with a model; each begins with nothing done."""
    encoder = Encoder(model)
    fresh = (folder / f"{model}-{number}" for number in count())

    def embed() -> int:
        return drained(embed_photos(encoder, photos, next(fresh)))

    def enroll() -> int:
        with Recognizer(next(fresh), model=encoder) as recognizer:
            return drained(import_photos(recognizer, photos, Choices()))

    return {f"embed_{model}": embed, f"enroll_{model}": enroll}


def products() -> None:
    """What one thread does in about a second, and no other has to do with."""
    rows = np.random.default_rng(SEED).standard_normal((SIDE, SIDE), np.float32)
    for _ in range(PRODUCTS):
        rows @ rows


def timed(all_jobs: dict[str, Job], cores: list[int], rounds: int) -> dict[str, Timing]:
    """Each job on one core, another in each round, and on two."""
    turns = {name: count() for name in all_jobs}
    first, second = cores[:2]

    def on_one(name: str) -> Job:
        return lambda: held((first, second)[next(turns[name]) % 2 :][:1], all_jobs[name], cores)

    def on_two(name: str) -> Job:
        return lambda: held((first, second), lambda: twice(name), cores)

    def twice(name: str) -> object:
        if not name.startswith("products"):
            return all_jobs[name]()
        # Twice the work, in threads of its own.
        with ThreadPoolExecutor(2) as pool:
            return [each.result() for each in [pool.submit(all_jobs[name]) for _ in range(2)]]

    work: dict[str, Job] = {}
    for name in all_jobs:
        work |= {f"{name}_1": on_one(name), f"{name}_2": on_two(name)}
    with one_thread_each():
        return compare(work, rounds)


def held(to: tuple[int, ...], job: Job, back: list[int]) -> None:
    """Do it on those cores only; threads that begin meanwhile are held to them too."""
    os.sched_setaffinity(0, to)
    try:
        job()
    finally:
        os.sched_setaffinity(0, back)


def figures(timings: dict[str, Timing], photos: int) -> dict[str, dict[str, float | str]]:
    """Photos in a second, and what the second core adds."""
    found = {}
    for model in MODELS:
        for what in ("embed", "enroll"):
            one, two = (timings[f"{what}_{model}_{cores}"].median for cores in (1, 2))
            found[f"{what}_{model}_one_core"] = figure(1000 * photos / one, "photos/s")
            found[f"{what}_{model}_two_cores"] = figure(1000 * photos / two, "photos/s")
            found[f"{what}_{model}_efficiency"] = figure(one / two / 2, "%")
    one, two = (timings[f"products_{cores}"].median for cores in (1, 2))
    return found | {"products_efficiency": figure(one / two, "%")}


def drained(outcomes: Iterable[object]) -> int:
    """How many there were."""
    return sum(1 for _ in outcomes)


if __name__ == "__main__":
    main()
