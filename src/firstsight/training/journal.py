"""The log of a run: one JSON document a line, and TensorBoard where it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from firstsight.errors import TrainingError, UsageError
from firstsight.files import write_whole

FILE: Final = "log.jsonl"
Value = float | int | str


class Journal:
    """Appends to the log of a run."""

    def __init__(self, folder: Path, done: int, *, tensorboard: bool = False) -> None:
        """Go on with the log; what was written after the checkpoint is taken back.

        Args:
            folder: of the run.
            done: steps of the run that the checkpoint holds.
            tensorboard: also write TensorBoard's events (extra ``tensorboard``).

        Raises:
            TrainingError: the log cannot be written, or TensorBoard is not installed.
        """
        self.path = folder / FILE
        kept = [line for line in read_log(folder) if line["step"] <= done]
        with _written(self.path):
            # Whole or not at all: a disk that is full must not take the log of what was done.
            write_whole(self.path, "".join(json.dumps(line) + "\n" for line in kept))
        self._board: Any = _board(folder, done) if tensorboard else None

    def write(self, step: int, values: Mapping[str, Value]) -> None:
        """Add what was measured after so many steps of the run.

        Raises:
            TrainingError: the log cannot be written.
        """
        with _written(self.path), self.path.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": step, **values}) + "\n")
        if self._board is not None:
            for name, value in values.items():
                if isinstance(value, int | float):
                    self._board.add_scalar(name, value, step)

    def close(self) -> None:
        """Finish TensorBoard's file."""
        if self._board is not None:
            self._board.close()


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; what is no line of a log, as a last one cut short, is passed over."""
    place = folder / FILE
    if not place.is_file():
        return []
    found = []
    for line in place.read_text("utf-8", "replace").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict) and isinstance(values.get("step"), int):
            found.append(values)
    return found


@contextmanager
def _written(place: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, UsageError) as error:
        why = error if isinstance(error, OSError) else error.__cause__
        raise TrainingError(
            f"The log {place} cannot be written ({getattr(why, 'strerror', why)}).",
            hint="Make room and give the same command: the run goes on from its checkpoint.",
        ) from error


def _board(folder: Path, done: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise TrainingError(
            "TensorBoard is not installed.", hint='Install it: pip install "firstsight[tensorboard]"'
        ) from error
    # What an earlier start wrote after its checkpoint is not shown.
    return SummaryWriter(folder, purge_step=done + 1)
