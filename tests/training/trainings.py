"""Synthetic pictures and tiny recipes; run as a program, one training in a process of its own.

``python trainings.py DATA OUT CACHE CHANGES... [--slow]`` says a line after each step.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import nn

import firstsight
from firstsight.training.reading import read_recipe
from firstsight.training.recipe import Recipe
from firstsight.training.run import train

TINY = """
precision = "fp32"
data = {size = 16, held_out = 0.25}
tower = {dimension = 16, widths = [8], depths = [1], dropout = 0.2}
loss = {scale = 12.0, margin = 0.1}
sampler = {name = "identities", identities = 6, each = 4, steps = 6}
augment = {rotation = 8.0, shift = 0.05, light = 0.1}
optimiser = {rate = 0.1}
schedule = {epochs = 2, warmup = 0.2}
validation = {ways = 4, trials = 60}
"""


class PlainTower(nn.Module):
    """Without batch norm: what one process sees of a batch does not change the others'."""

    def __init__(self, *, size: int, channels: int, dimension: int, **_: object) -> None:
        super().__init__()
        self.dense = nn.Linear(size * size * channels, dimension)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.dense(pixels.flatten(1)))


def tiny(folder: Path, *changes: str) -> Recipe:
    """A recipe that takes a second."""
    place = folder / "tiny.toml"
    place.write_text(TINY, "utf-8")
    return read_recipe(str(place), changes)


def draw_people(folder: Path, people: int = 16, each: int = 6, *, seed: int = 0) -> Path:
    """One sub-folder for each identity, whose pictures show the same disc, moved and lit a little."""
    draw = np.random.default_rng(seed)
    for person in range(people):
        own = folder / f"person-{person:02}"
        own.mkdir(parents=True)
        ground, disc = draw.integers(0, 256, 3), draw.integers(0, 256, 3)
        middle, radius = draw.uniform(8, 16, 2), draw.uniform(4, 9)
        for number in range(each):
            light = draw.uniform(0.9, 1.1)
            colours = [
                tuple(np.clip(light * colour, 0, 255).astype(int).tolist()) for colour in (ground, disc)
            ]
            x, y = (middle + draw.uniform(-1, 1, 2)).tolist()
            picture = Image.new("RGB", (24, 24), colours[0])
            pencil = ImageDraw.Draw(picture)
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colours[1])
            picture.save(own / f"{number}.png")
    return folder


def environment() -> dict[str, str]:
    """One in which the package and these modules are found."""
    folders = [Path(firstsight.__file__).parents[1], Path(__file__).parents[2]]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders)), "OMP_NUM_THREADS": "1"}


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """A training, whose steps can be read from its ``stdout``."""
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    )


def main(data: str, out: str, cache: str, *changes: str) -> None:
    """Train, slowly enough to be killed between two steps where that is asked for."""
    slow = "--slow" in changes
    recipe = tiny(Path(out).parent, *(change for change in changes if change != "--slow"))

    def progress(done: int, whole: int, word: str) -> None:
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()
        time.sleep(0.1 * slow)

    train(
        replace(recipe, name="tiny"), Path(data), Path(out), cache=Path(cache), workers=1, progress=progress
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
