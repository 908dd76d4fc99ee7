"""One of several processes that share a batch, or alone: ``python sharing.py OUT DATA CACHE CHANGES...``.

Writes the gradients of the first batch and the weights after some steps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from pathlib import Path

import torch
from safetensors.torch import save_file
from tests.training.trainings import PlainTower, environment, tiny
from torch import nn

from firstsight.training import run
from firstsight.training.processes import Processes
from firstsight.twins import towers


def start(rank: int, count: int, port: int, *arguments: str | Path) -> subprocess.Popen[str]:
    """One of so many processes."""
    return subprocess.Popen(
        [sys.executable, __file__, *map(str, arguments)],
        env=told(rank, count, port),
        stderr=subprocess.PIPE,
        text=True,
    )


def told(rank: int, count: int, port: int) -> dict[str, str]:
    """The environment of one of so many processes, as ``torchrun`` would make it."""
    own = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": count,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
    return environment() | {name: str(value) for name, value in own.items()}


def main(out: str, data: str, cache: str, *changes: str) -> None:
    """Train with a tower whose pictures do not meet before the loss; with ``--norms``, they do.

    ``--stop`` breaks off after the second step, with a checkpoint.
    """
    if "--norms" not in changes:
        towers.TOWERS["residual"] = PlainTower
    stop = "--stop" in changes
    changes = tuple(change for change in changes if not change.startswith("--"))

    def progress(done: int, whole: int, word: str) -> None:
        if stop and done == 2:
            raise KeyboardInterrupt

    gradients: list[list[torch.Tensor]] = []
    average = Processes.average_gradients

    def noted(self: Processes, parameters: Iterable[nn.Parameter]) -> None:
        kept = list(parameters)
        average(self, kept)
        gradients.append([one.grad.clone().contiguous() for one in kept if one.grad is not None])

    Processes.average_gradients = noted  # type: ignore[method-assign]
    folder = Path(out)
    rank = os.environ.get("RANK", "0")
    own = folder / f"recipe-{rank}"
    own.mkdir(parents=True, exist_ok=True)
    with suppress(KeyboardInterrupt) if stop else nullcontext():
        outcome = run.train(
            tiny(own, *changes), Path(data), folder / "run", cache=Path(cache), workers=1, progress=progress
        )
    if stop:
        return
    named = {
        f"{step}.{place}": value for step, found in enumerate(gradients) for place, value in enumerate(found)
    }
    save_file(named, folder / f"gradients-{rank}.safetensors")
    (folder / f"history-{rank}.json").write_text(json.dumps(outcome.position.history), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
