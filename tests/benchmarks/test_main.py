from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS, called

FOLDERS = {"lfw": Path("LFW"), "omniglot": Path("OMNIGLOT")}


def command(name: str, *, quick: bool) -> list[str]:
    (one,) = [one for one in BENCHMARKS if one.name == name]
    return called(one, argparse.Namespace(**FOLDERS, quick=quick), Path("OUT"))


def test_each_is_given_the_data_that_it_takes() -> None:
    assert command("photos", quick=False)[1:] == [
        "-m", "benchmarks.photos", "--json", "OUT/photos.json", "--data", "LFW",
    ]  # fmt: skip
    pairs = command("pairs", quick=False)
    assert pairs[pairs.index("--data") + 1] == "OMNIGLOT"
    assert "--data" not in command("gallery", quick=False)


def test_quick_ones_are_small() -> None:
    for one in BENCHMARKS:
        small = command(one.name, quick=True)
        assert len(small) > len(command(one.name, quick=False))


def test_what_is_run_is_there() -> None:
    root = Path(import_module("benchmarks").__path__[0])
    for one in BENCHMARKS:
        assert (root / f"{one.name}.py").is_file()
