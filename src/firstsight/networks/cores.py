"""On how many cores networks run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import cv2


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(count: int) -> None:
    """Let OpenCV, and torch where it is loaded, use so many cores for one piece of work.

    It is so for the whole process, which must be one's own.
    """
    cv2.setNumThreads(count)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(count)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Leave the cores to those who look at photos: OpenCV and torch begin no threads of their own.

    To be entered once the model is open, for it decides what is loaded.
    """
    torch = sys.modules.get("torch")
    before = cv2.getNumThreads(), torch.get_num_threads() if torch else 0
    spread(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before[0])
        if torch:
            torch.set_num_threads(before[1])
