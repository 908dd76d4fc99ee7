"""One of two processes, of which the second leaves the first alone: ``python leaving.py HOW``.

``dies``: it ends. ``hangs``: it waits until its input is closed. ``prepares``: nobody leaves, and the
first takes longer to prepare than anybody waits for an answer.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

import torch

from firstsight.errors import TrainingError
from firstsight.training import processes

ANSWERS = timedelta(seconds=8)


def main(how: str) -> None:
    """Exchange something twice, and say how it went."""
    processes.ANSWERS = ANSWERS  # type: ignore[misc]
    try:
        with processes.joined() as own:
            own.gather(torch.zeros(1, 1), 2)
            if own.first and how == "prepares":
                time.sleep(1.5 * ANSWERS.total_seconds())
            own.wait()
            if not own.first and how == "dies":
                os._exit(1)
            if not own.first and how == "hangs":
                sys.stdin.read()
            own.gather(torch.zeros(1, 1), 2)
        sys.stdout.write("done\n")
    except TrainingError as error:
        sys.stdout.write(f"{error.message} {error.hint}\n")


if __name__ == "__main__":
    main(sys.argv[1])
