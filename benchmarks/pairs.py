"""What a batch that scores all its pairs is worth, beside the usual loop of two pictures for each pair.

    python -m benchmarks.pairs --json docs/results/pairs.json --data PATH_TO_OMNIGLOT

Two parts. Pairs learnt from in a second (forward, loss, backward, step), both ways in turns on the same
tower; and seconds of training until the same one-shot accuracy on characters that were held out, where
both ways embed as many pictures in each step. Without ``--data`` the second part draws its characters;
``--limit 0`` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.timing import compare
from firstsight.datasets.prepared import Prepared, View
from firstsight.datasets.preparing import prepare
from firstsight.datasets.samplers import Batch, ByIdentity, ByPair, Classes, Sampler
from firstsight.datasets.splits import labels, open_split
from firstsight.datasets.trials import Trial, one_shot_trials
from firstsight.evaluation.one_shot import trials_right
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.training.precision import mixed
from firstsight.twins import CrossEntropy, Head, WeightedL1, build_head, build_tower, unit

SIZES: Final = {"koch": 105, "residual": 36}
SIDE: Final = SIZES["residual"]
RESIDUAL: Final = {"size": SIDE, "channels": 1, "dimension": 256}
SMALL: Final = {**RESIDUAL, "dimension": 128, "widths": (16, 32, 64, 128), "depths": (1, 1, 1, 1)}
"""Of the second part, which two cores shall finish."""
WAYS: Final = 20
EACH: Final = 4
"""Pictures of each identity in a batch that scores all its pairs."""
PIECE: Final = 256
DRAWN: Final = {"training": (10, 20), "validation": (4, 20)}
"""Alphabets, and characters in each, where characters are drawn."""
DRAWINGS: Final = 12

console = Console(stderr=True)


class Learner:
    """A twin and its optimiser, with a step of either way."""

    def __init__(self, tower: str, arguments: dict[str, Any], options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.tower = build_tower(tower, arguments)
        self.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        paper = tower == "koch"
        self.head = build_head(
            "weighted-l1" if paper else "cosine", 4096 if paper else arguments["dimension"]
        )
        self.loss = CrossEntropy(line=not paper)
        self.half = mixed(options.precision, torch.device("cpu"))
        parts: tuple[nn.Module, ...] = (self.tower, self.head, self.loss)
        weights = [value for part in parts for value in part.parameters()]
        self.optimiser = torch.optim.SGD(weights, lr=options.rate, momentum=0.9)

    def embed(self, pictures: Tensor) -> Tensor:
        """(N, 1, S, S) -> (N, D)."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            embedded: Tensor = self.tower(pictures)
        return embedded.float()

    def all_pairs(self, pictures: Tensor, identities: Tensor) -> None:
        """Learn from all pairs of a batch, each picture of which is embedded once."""
        self._step(self.loss(self.head, self.embed(pictures), identities))

    def usual(self, left: Tensor, right: Tensor, mated: Tensor) -> None:
        """Learn from a list of pairs, each of which takes two pictures through the tower."""
        scores = row_scores(self.head, self.embed(left), self.embed(right))
        line = self.loss.line
        logits = scores if line is None else line[0] * scores + line[1]
        self._step(functional.binary_cross_entropy_with_logits(logits, mated.float()))

    def _step(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()


def row_scores(head: Head, left: Tensor, right: Tensor) -> Tensor:
    """The head's scores of each left row with the right row beside it: (P, D), (P, D) -> (P,)."""
    if isinstance(head, WeightedL1):
        return (left - right).abs() @ head.alpha
    return (unit(left) * unit(right)).sum(1)


def speed(tower: str, options: argparse.Namespace) -> dict[str, Any]:
    """Pairs learnt from in a second, both ways, and how many times more."""
    learner = Learner(tower, RESIDUAL if tower == "residual" else {}, options)
    size, count = SIZES[tower], options.pictures
    draw = torch.Generator().manual_seed(options.seed)
    most = max(count, 2 * max(options.usual))
    pictures = torch.rand(most, 1, size, size, generator=draw).to(memory_format=torch.channels_last)
    identities = torch.arange(count) // EACH

    def listed(pairs: int) -> Callable[[], None]:
        left, right, mated = pictures[:pairs], pictures[pairs : 2 * pairs], torch.arange(pairs) % 2 == 0
        return lambda: learner.usual(left, right, mated)

    pairs_of = {"all_pairs": count * (count - 1) // 2} | {f"usual_{pairs}": pairs for pairs in options.usual}
    work: dict[str, Callable[[], None]] = {
        "all_pairs": lambda: learner.all_pairs(pictures[:count], identities)
    }
    work |= {f"usual_{pairs}": listed(pairs) for pairs in options.usual}
    timings = compare(work, options.rounds)
    rates = {name: 1000 * pairs_of[name] / timing.median for name, timing in timings.items()}
    # The usual loop is measured at its best.
    best = max((name for name in rates if name != "all_pairs"), key=rates.__getitem__)
    return {
        "pairs_per_second": rates["all_pairs"],
        "pairs_per_second_usual": rates[best],
        "ratio": rates["all_pairs"] / rates[best],
        "pairs_in_a_batch": pairs_of["all_pairs"],
        "pairs_in_a_batch_usual": pairs_of[best],
        "timings": {name: timing.as_json() for name, timing in timings.items()},
    }


@dataclass(frozen=True, slots=True, eq=False)
class Characters:
    """Characters to learn from, and others to measure on."""

    title: str
    digest: str
    pixels: Tensor
    """(N, 1, S, S) float32, paper 0 and ink 1."""
    classes: Classes
    held_out: Tensor
    trials: list[Trial]


def real_characters(path: Path, options: argparse.Namespace) -> Characters:
    """Omniglot in the paper's split: background alphabets, and evaluation alphabets that validate."""
    split = open_split("omniglot", "paper", path)
    with tempfile.TemporaryDirectory() as cache:
        train, held = (prepare(part, View(SIDE, 1), Path(cache)) for part in (split.train, split.validation))
        parts = [(ink(one), *labels(one.items)) for one in (train, held)]
    return _characters("omniglot", train.digest, parts, options)


def ink(prepared: Prepared) -> Tensor:
    """(N, 1, S, S) float32 of prepared pictures."""
    return 1 - torch.from_numpy(np.array(prepared.pixels)).permute(0, 3, 1, 2).float() / 255


def drawn_characters(options: argparse.Namespace) -> Characters:
    """Strokes through random points, which every drawing of a character moves a little."""
    draw, parts = np.random.default_rng(options.seed), []
    for alphabets, characters in DRAWN.values():
        shapes = [draw.uniform(0.1, 0.9, (draw.integers(4, 8), 2)) for _ in range(alphabets * characters)]
        moved = [shape + draw.normal(0, 0.05, shape.shape) for shape in shapes for _ in range(DRAWINGS)]
        identity = np.repeat(np.arange(len(shapes)), DRAWINGS)
        parts.append((torch.stack([stroke(one) for one in moved]), identity, identity // characters))
    return _characters("drawn", "", parts, options)


def stroke(points: NDArray[np.float64]) -> Tensor:
    """A line through points of the unit square: (P, 2) -> (1, S, S) float32, ink 1."""
    picture = Image.new("L", (2 * SIDE, 2 * SIDE))
    ImageDraw.Draw(picture).line([(float(x), float(y)) for x, y in points * 2 * SIDE], fill=255, width=4)
    return torch.from_numpy(np.array(picture.reduce(2), dtype=np.float32))[None] / 255


Part = tuple[Tensor, NDArray[np.int64], NDArray[np.int64]]


def _characters(title: str, digest: str, parts: Sequence[Part], options: argparse.Namespace) -> Characters:
    (pixels, identity, group), (held_out, held_identity, held_group) = parts
    trials = one_shot_trials(held_identity, held_group, WAYS, options.trials, options.seed)
    classes = Classes(np.arange(len(identity)), identity, group)
    return Characters(title, digest, pixels, classes, held_out, trials)


@dataclass(slots=True, eq=False)
class Runner:
    """One way in the race to an accuracy."""

    learner: Learner
    sampler: Sampler
    seconds: float = 0.0
    """Of training alone."""
    steps: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def learn(self, characters: Characters, steps: int) -> None:
        """Go on for so many steps."""
        self.learner.tower.train()
        start = time.perf_counter()
        for _ in range(steps):
            batch = self.sampler.batch(*divmod(self.steps, len(self.sampler)))
            self._learn(batch, characters.pixels[torch.from_numpy(batch.rows)])
            self.steps += 1
        self.seconds += time.perf_counter() - start

    def _learn(self, batch: Batch, pictures: Tensor) -> None:
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        identities = torch.from_numpy(batch.labels)
        if batch.chosen is None:
            self.learner.all_pairs(pictures, identities)
        else:
            # All left pictures come first, then all right ones.
            (left, right), (one, other) = pictures.chunk(2), identities.chunk(2)
            self.learner.usual(left, right, one == other)

    def measure(self, characters: Characters) -> float:
        """One-shot accuracy on the characters that were held out."""
        self.learner.tower.eval()
        with torch.inference_mode():
            embeddings = torch.cat(
                [self.learner.embed(part) for part in torch.split(characters.held_out, PIECE)]
            )

        def similarity(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.inference_mode():
                found = self.learner.head.similarity(torch.from_numpy(left), torch.from_numpy(right))
            return found.numpy()

        accuracy = float(trials_right(similarity, embeddings.numpy(), characters.trials).mean())
        self.history.append({"steps": self.steps, "seconds": round(self.seconds, 2), "accuracy": accuracy})
        return accuracy


def race(characters: Characters, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of training until the accuracy was first measured, both ways; None where it never was."""
    classes, count, seed = characters.classes, options.batch, options.seed
    samplers: dict[str, Sampler] = {
        "all_pairs": ByIdentity(classes, count // EACH, EACH, groups=0, steps=1000, seed=seed),
        "usual": ByPair(classes, count // 2, pairs=1000 * count, seed=seed),
    }
    runners = {
        name: Runner(Learner("residual", SMALL, options), sampler) for name, sampler in samplers.items()
    }
    reached: dict[str, float | None] = dict.fromkeys(runners)
    running = set(runners)
    while running:
        for name in sorted(running):
            runner = runners[name]
            runner.learn(characters, options.every)
            accuracy = runner.measure(characters)
            console.print(f"{name}: {runner.steps} steps, {runner.seconds:.1f} s, {100 * accuracy:.1f} %")
            if accuracy >= options.accuracy:
                reached[name] = runner.seconds
            if accuracy >= options.accuracy or runner.seconds >= options.limit:
                running.discard(name)
    return {
        "seconds_to_accuracy": reached["all_pairs"],
        "seconds_to_accuracy_usual": reached["usual"],
        "accuracy": options.accuracy,
        "data": characters.title,
        "data_digest": characters.digest,
        "history": {name: runner.history for name, runner in runners.items()},
    }


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="All pairs of a batch beside the usual loop.")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--rate", type=float, default=0.05, help="learning rate, of both ways")
    first = parser.add_argument_group("pairs in a second")
    first.add_argument("--towers", nargs="+", choices=tuple(SIZES), default=["koch", "residual"])
    first.add_argument("--pictures", type=int, default=32, help="of a batch that scores all its pairs")
    first.add_argument("--usual", type=int, nargs="+", default=[16, 64], help="pairs of the usual batches")
    first.add_argument("--rounds", type=int, default=5)
    second = parser.add_argument_group("seconds to an accuracy")
    second.add_argument("--data", type=Path, help="folder of Omniglot's archives; without it, drawn ones")
    second.add_argument("--accuracy", type=float, default=0.75, help=f"in {WAYS}-way one-shot, to be reached")
    second.add_argument("--trials", type=int, default=1000)
    second.add_argument("--batch", type=int, default=64, help="pictures in a step, of both ways")
    second.add_argument("--every", type=int, default=25, help="steps from one measurement to the next")
    second.add_argument("--limit", type=float, default=600.0, help="seconds of training of each; 0: no race")
    options = parser.parse_args()
    for name in ("pictures", "batch"):
        if getattr(options, name) < 2 * EACH or getattr(options, name) % EACH:
            parser.error(f"--{name} is a multiple of {EACH}, and {2 * EACH} or more")
    if min(*options.usual, options.rounds, options.trials, options.every, options.threads) < 1:
        parser.error("every number of things is 1 or more")
    return options


def main() -> None:
    """Run both parts and write the figures; those of the first tower named stand on top."""
    options = arguments()
    torch.set_num_threads(options.threads)
    towers = {}
    for tower in options.towers:
        console.print(f"pairs in a second: {tower}")
        towers[tower] = speed(tower, options)
    raced: dict[str, Any] = {"seconds_to_accuracy": None, "seconds_to_accuracy_usual": None}
    if options.limit > 0:
        console.print("seconds to an accuracy")
        raced = race(
            real_characters(options.data, options) if options.data else drawn_characters(options), options
        )
    top = towers[options.towers[0]]
    values: dict[str, Any] = {
        "protocol": "pairs",
        "rule": "Both ways take turns in one run on the same tower; the usual loop at its best batch size.",
        **{name: top[name] for name in ("pairs_per_second", "pairs_per_second_usual", "ratio")},
        **{name: raced[name] for name in ("seconds_to_accuracy", "seconds_to_accuracy_usual")},
        "towers": towers,
        "race": raced,
        "settings": {
            **{name: value for name, value in vars(options).items() if name not in ("json", "data", "seed")},
            # Where the processor does not have bf16, it is not emulated.
            "precision": "bf16" if mixed(options.precision, torch.device("cpu")) else "fp32",
        },
        "seed": options.seed,
        "machine": machine(),
        "made": moment(),
        "versions": versions(),
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(values, indent=2) + "\n", "utf-8")
    console.print(f"Written to {options.json}.")


if __name__ == "__main__":
    main()
