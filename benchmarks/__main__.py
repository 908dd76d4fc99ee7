"""All benchmarks of docs/benchmarks.md, one after the other, and then the page.

    make bench

or, by itself, ``python -m benchmarks --lfw PATH --omniglot PATH --out docs``. The machine should have nothing
else to do. With ``--quick`` everything runs small, to see it work, and belongs into another folder.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.page import renew_results, write_page

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One program, and how it is called."""

    name: str
    lfw: bool = True
    """Whether it takes LFW."""
    options: Sequence[str] = ()
    quick: Sequence[str] = ("--quick",)


BENCHMARKS: Final = (
    Benchmark("photos"),
    Benchmark("fresh"),
    Benchmark("latency"),
    Benchmark("gallery", lfw=False, quick=("--templates", "20000")),
    Benchmark(
        "pairs",
        lfw=False,
        # Two cores reach 60 % within minutes, both ways.
        options=("--accuracy", "0.6", "--limit", "150"),
        quick=("--rounds", "1", "--limit", "0", "--towers", "residual"),
    ),
    Benchmark("breakdown"),
    Benchmark("bulk"),
    Benchmark("speed"),
    Benchmark("card", lfw=False),
)


def main() -> None:
    """Run them and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--lfw", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--omniglot", type=Path, required=True, help="folder of Omniglot's archives")
    parser.add_argument("--out", type=Path, required=True, help="folder of benchmarks.md and of results/")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in BENCHMARKS])
    parser.add_argument("--quick", action="store_true", help="everything small, to see it work")
    options = parser.parse_args()
    results = options.out / "results"
    for one in BENCHMARKS:
        if options.only and one.name not in options.only:
            continue
        console.rule(one.name)
        began = time.monotonic()
        subprocess.run(called(one, options, results), check=True)  # noqa: S603 - ourselves
        console.print(f"{time.monotonic() - began:.0f} s")
    write_page(options.out / "benchmarks.md")
    if (options.out / "results.md").is_file():
        renew_results(options.out / "results.md")
    console.print(f"Written to {options.out / 'benchmarks.md'}.")


def called(one: Benchmark, options: argparse.Namespace, results: Path) -> list[str]:
    """The command of a benchmark."""
    command = [sys.executable, "-m", f"benchmarks.{one.name}", "--json", str(results / f"{one.name}.json")]
    if one.lfw:
        command += ["--data", str(options.lfw)]
    if one.name == "pairs":
        command += ["--data", str(options.omniglot)]
    return command + list(one.options) + list(one.quick if options.quick else ())


if __name__ == "__main__":
    main()
