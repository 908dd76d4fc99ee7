"""Small data sets that are made up, in memory or packed as the real ones are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstsight.datasets import Archive
from firstsight.datasets.omniglot import BACKGROUND, EVALUATION, RUN_ALPHABETS, RUNS
from firstsight.datasets.prepared import Item, Prepared, View
from firstsight.datasets.samplers import Classes

CHARACTERS = 3
"""Of each alphabet of the toy Omniglot."""


def noise(seed: int, height: int = 12, width: int = 12) -> NDArray[np.uint8]:
    """(H, W, 3) of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(side: int, channels: int = 3) -> NDArray[np.uint8]:
    """(S, S, C) of slow waves, another in each channel, which bear being resampled."""
    across, down = np.meshgrid(np.arange(side) / side, np.arange(side) / side)
    waves = [np.sin(5 * across + turn) * np.cos(4 * down - turn) + across * down for turn in range(channels)]
    return (100 + 60 * np.stack(waves, axis=2)).astype(np.uint8)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """A file of those pixels."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def archive_of(files: Mapping[str, bytes]) -> Archive:
    """An archive that lies in memory."""
    held = dict(sorted(files.items()))
    return Archive(Path("toy"), {name: len(content) for name, content in held.items()}, held.__getitem__)


def write_people(folder: Path, counts: Mapping[str, int]) -> Path:
    """A folder with so many pictures in the sub-folder of each name."""
    seed = 0
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for photo in range(count):
            seed += 1
            (folder / name / f"{photo}.png").write_bytes(png(noise(seed)))
    return folder


def prepared_of(
    pixels: NDArray[np.uint8], points: tuple[tuple[float, float], ...] = (), *, of_each: int = 1
) -> Prepared:
    """Prepared pictures in memory, ``of_each`` identity so many."""
    items = tuple(Item(f"{row}.png", f"id{row // of_each:03d}") for row in range(len(pixels)))
    view = View(pixels.shape[1], pixels.shape[3], points)
    return Prepared(pixels, items, view, "digest", ())


def classes_of(counts: list[list[int]], *, turned: bool = False, mirrored: bool = False) -> Classes:
    """Classes with so many pictures of each identity of each group; its rows start at 100."""
    labels, groups = [], []
    label = 0
    for group, members in enumerate(counts):
        for count in members:
            labels += [label] * count
            groups += [group] * count
            label += 1
    # Mixed up, so that nothing can lean on the order.
    order = np.random.default_rng(5).permutation(len(labels))
    return Classes(
        100 + np.arange(len(labels)),
        np.array(labels)[order],
        np.array(groups)[order],
        turned=turned,
        mirrored=mirrored,
    )


def toy_omniglot(folder: Path) -> Path:
    """Omniglot's three archives with three characters to an alphabet, and no pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    others = [f"Other{number}" for number in range(10)]
    for part, alphabets in (
        (BACKGROUND, [f"Back{number:02d}" for number in range(30)]),
        (EVALUATION, [*sorted(RUN_ALPHABETS), *others]),
    ):
        with zipfile.ZipFile(folder / f"{part}.zip", "w") as made:
            for alphabet in alphabets:
                for character in range(1, CHARACTERS + 1):
                    for drawer in range(1, 21):
                        name = f"{part}/{alphabet}/character{character:02d}/0001_{drawer:02d}.png"
                        made.writestr(name, b"")
    with zipfile.ZipFile(folder / f"{RUNS}.zip", "w") as made:
        for name, content in toy_runs().items():
            made.writestr(name, content)
    return folder


def toy_runs() -> dict[str, bytes]:
    """Twenty runs of two characters; the first probe shows the second character."""
    files = {}
    for run in range(1, 21):
        rows = [
            f"run{run:02d}/test/item{probe}.png run{run:02d}/training/class{3 - probe}.png"
            for probe in (1, 2)
        ]
        files[f"run{run:02d}/class_labels.txt"] = "\n".join(rows).encode()
        for name in " ".join(rows).split():
            files[name] = b""
    return files
