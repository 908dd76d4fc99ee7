"""Networks that are run: made quietly, each lent to one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

import cv2

Network = TypeVar("Network")


class Lent(Generic[Network]):
    """As many networks as are in use at once. An OpenCV network cannot be shared between threads."""

    def __init__(self, make: Callable[[], Network]) -> None:
        self._make = make
        self._idle: list[Network] = []

    @contextmanager
    def one(self) -> Iterator[Network]:
        """A network that nobody else uses meanwhile."""
        try:
            network = self._idle.pop()
        except IndexError:
            with _quiet:
                network = self._make()
        yield network
        # Not after an error: what is left of it in the network is not known.
        self._idle.append(network)


class ByThreads(Generic[Network]):
    """What has its threads from when it is made, as onnxruntime's sessions do: one for each number of them.

    The number changes with the work: one while many photos are looked at, all cores for a photo alone. All
    that were met are kept, for a service goes back and forth.
    """

    def __init__(self, make: Callable[[int], Network]) -> None:
        self._make = make
        self._made: dict[int, Network] = {}
        self._making = threading.Lock()

    def now(self) -> Network:
        """The one for as many threads as OpenCV's networks are given at the time."""
        threads = cv2.getNumThreads()
        with self._making:
            if threads not in self._made:
                self._made[threads] = self._make(threads)
            return self._made[threads]


class _Quiet:
    """Keeps OpenCV's remarks on its own graph engine off a user's terminal while a network is made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)

    def __exit__(self, *_: object) -> None:
        cv2.utils.logging.setLogLevel(self._level)
        self._lock.release()


_quiet: Final = _Quiet()
