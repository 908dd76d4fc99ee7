"""A run's state on the disk: written whole or not at all, the previous one stays until then."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from firstsight.errors import CheckpointError

FILE: Final = "checkpoint.safetensors"
KEY: Final = "state"


@dataclass(slots=True)
class Position:
    """Where a run stands."""

    recipe: str
    """Digest of the recipe."""
    data: str
    """Digest of the prepared data."""
    epoch: int = 0
    """From 0."""
    step: int = 0
    """Of the epoch: the next one to do."""
    done: int = 0
    """Steps of the whole run."""
    seconds: float = 0.0
    pictures: int = 0
    pairs: int = 0
    best: float = -1.0
    best_epoch: int = -1
    history: list[dict[str, float]] = field(default_factory=list)
    """What was measured after each epoch."""
    # Older checkpoints lack what follows, and then nothing is compared.
    selection: str | None = None
    """Which pictures of the data have a row, where some were left out; see ``Prepared.selection``."""
    start: str | None = None
    """Digest of the model that the run went on from; empty without one."""
    teacher: str | None = None
    """Digest of the teacher; empty without one."""
    processes: int | None = None
    """That share each batch: batch norms see another part of it with another number of them."""


def write_checkpoint(folder: Path, position: Position, tensors: dict[str, Tensor]) -> None:
    """Replace the checkpoint of a run.

    Raises:
        CheckpointError: it cannot be written; the previous one is as it was.
    """
    part = folder / f"{FILE}.part"
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    try:
        save_file(kept, part, {KEY: json.dumps(asdict(position))})
        with part.open("r+b") as written:
            os.fsync(written.fileno())
        part.replace(folder / FILE)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"The checkpoint {folder / FILE} cannot be written ({error}); the previous one is as it was.",
            hint="Make room and give the same command: the run goes on from there.",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def read_checkpoint(folder: Path, own: Position) -> tuple[Position, dict[str, Tensor]] | None:
    """The checkpoint of a run, if there is one.

    Args:
        folder: of the run.
        own: what the run is made of now; what is None there is not compared.

    Raises:
        CheckpointError: it is damaged, or of a run that was made of something else.
    """
    place = folder / FILE
    if not place.is_file():
        return None
    try:
        with safe_open(place, framework="pt") as opened:
            values: dict[str, Any] = json.loads(opened.metadata()[KEY])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
        position = Position(**values)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{place} is damaged ({error!r}).", hint="Name another --out.") from error
    shared = f"a run that {position.processes} processes share, not {own.processes}"
    for key, what in (
        ("recipe", "another recipe"),
        ("data", "other data"),
        ("selection", "the same data with other pictures left out"),
        ("start", "a run that went on from another model"),
        ("teacher", "a run with another teacher"),
        ("processes", shared),
    ):
        was, now = getattr(position, key), getattr(own, key)
        if was is None:
            setattr(position, key, now)
        elif now not in (was, None):
            raise CheckpointError(f"{place} belongs to {what}.", hint="Name another --out, or go back to it.")
    return position, tensors


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What an optimiser remembers of each parameter."""
    state = optimiser.state_dict()["state"]
    return {
        f"{place}.{name}": value
        for place, values in state.items()
        for name, value in values.items()
        if isinstance(value, Tensor)
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give an optimiser back what it remembered, laid out in memory as the parameters are.

    The order in memory decides which of two roundings a vectorised sum takes.
    """
    parameters = [value for group in optimiser.param_groups for value in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        place, _, name = key.partition(".")
        owner = parameters[int(place)]
        if value.shape == owner.shape:
            value = torch.empty_like(owner, dtype=value.dtype).copy_(value).detach()
        state.setdefault(int(place), {})[name] = value
    whole = optimiser.state_dict()
    optimiser.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
