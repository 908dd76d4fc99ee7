"""What a GPU makes of the shipped recipes: pictures embedded in a second, and how long training takes.

    python -m benchmarks.card --json docs/results/card.json

Without a GPU it says so and writes nothing. The share of the card is that of its own rate: floating-point
operations a second of one large product of matrices in bf16, measured in the same run. A training's time is
that of its steps, on pictures that are made up, times their number; preparing and validating come on top.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.origin import made
from benchmarks.steps import Stepper
from benchmarks.timing import Timing, figure
from firstsight.files import write_whole
from firstsight.training import Recipe, read_recipe, shipped

SIDE: Final = 8192
"""Of the matrices."""
BATCH: Final = 1024
ROUNDS: Final = 9
STEPS: Final = 20
SEED: Final = 0
LEFT_OUT: Final = ("my-pictures",)
"""How many pictures it has is the user's."""
REPORTS: Final = Path(__file__).parents[1] / "docs" / "results"

console = Console(stderr=True)


def main() -> None:
    """Run all and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a few rounds, to see it work")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        console.print("There is no GPU here; left out.")
        return
    rounds, steps = (1, 2) if options.quick else (ROUNDS, STEPS)
    recipes = [read_recipe(name) for name in shipped() if name not in LEFT_OUT]
    values = measured(torch.device("cuda"), recipes, SIDE, BATCH, rounds, steps)
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def measured(
    device: torch.device, recipes: Sequence[Recipe], side: int, batch: int, rounds: int, steps: int
) -> dict[str, Any]:
    """All figures of a device."""
    best = rate(device, side, rounds)
    found: dict[str, Any] = {}
    for recipe in recipes:
        console.print(recipe.name)
        stepper = Stepper(recipe, device)
        with tempfile.TemporaryDirectory() as folder:
            step = stepper.whole(steps, Path(folder))
        embedding, work = embedded(stepper, batch, rounds)
        count = steps_of(recipe)
        found[recipe.name] = {
            "images_per_second": figure(1000 * batch / embedding.median, ""),
            "share_of_rate": figure(1000 * work / embedding.median / best, "%"),
            "step": figure(step.median, "ms"),
            "steps": count,
            "training": figure(count * step.median / 60_000, "min") if count else None,
            "timings": {"embedding": embedding.as_json(), "step": step.as_json()},
        }
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "protocol": "card",
        "rule": "The towers in bf16; training as its loop does it, on pictures that are made up.",
        "card": name,
        "rate": figure(best / 1e12, "TFLOP/s"),
        "recipes": found,
        "settings": {"batch": batch, "side": side, "rounds": rounds, "steps": steps},
        "provenance": {"model": "recipes", **made(SEED)},
    }


def rate(device: torch.device, side: int, rounds: int) -> float:
    """Floating-point operations a second of a product of two square matrices in bf16."""
    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    spent = repeated(device, lambda: one @ other, rounds)
    return 2 * side**3 / (spent.median / 1000)


def embedded(stepper: Stepper, batch: int, rounds: int) -> tuple[Timing, float]:
    """Milliseconds in which a batch passes the tower in bf16, and its floating-point operations."""
    seen = stepper.twin.preprocessing
    pixels = torch.rand(batch, seen.channels, seen.size, seen.size, device=stepper.device)
    pixels = pixels.to(memory_format=torch.channels_last)
    tower = stepper.twin.tower.to(stepper.device).eval()
    with torch.inference_mode(), torch.autocast(stepper.device.type, torch.bfloat16):
        with FlopCounterMode(display=False) as counter:
            tower(pixels)
        spent = repeated(stepper.device, lambda: tower(pixels), rounds)
    return spent, float(counter.get_total_flops())


def repeated(device: torch.device, job: Callable[[], object], rounds: int) -> Timing:
    """Milliseconds of a job until the device is through with it."""
    spent = []
    for _ in range(1 + rounds):
        began = time.perf_counter()
        job()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        spent.append(1000 * (time.perf_counter() - began))
    return Timing.of(spent[1:])


def steps_of(recipe: Recipe, reports: Path = REPORTS) -> int | None:
    """How many steps a training by a recipe has; None where that is with its data, and no run tells."""
    choice, epochs = recipe.sampler, recipe.schedule.epochs
    if choice.name == "identities":
        return choice.steps * epochs
    if choice.name == "pairs":
        return choice.pairs // choice.size * epochs
    for file in sorted(reports.glob("*-training.json")):
        run = json.loads(file.read_text("utf-8"))
        made = run["recipe"]
        # As many pictures in batches as large: of another part there are more or fewer.
        alike = made["data"]["part"] == recipe.data.part and made["sampler"]["size"] == choice.size
        if made["name"] == recipe.name and alike:
            return int(run["steps"]) * epochs // int(run["epochs"])
    return None


if __name__ == "__main__":
    main()
