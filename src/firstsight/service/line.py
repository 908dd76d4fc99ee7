"""How many photos may be in work or wait: a rush is let wait, and who goes on asking is told to come back."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from firstsight.errors import Overloaded
from firstsight.service.settings import Settings

AGAIN: Final = 1
"""Seconds after which to come back."""
CALM: Final = 2 * AGAIN
"""Seconds without a refusal, after which whoever was told to come back has done so."""


class Line:
    """Who is in it. Of one event loop.

    A short line keeps answers quick, however many go on asking. But many who come at once are better off
    when they wait a little than when they are sent away and nothing is done meanwhile: so for a moment
    after the line was empty it may be longer, unless some were sent away shortly before.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody is in it."""
        self._settings, self._clock = settings, clock
        self._empty = clock()
        """When it was last known to be empty, and nobody on the way back to it."""
        self._refused = -math.inf
        """When somebody was last sent away."""
        self.depth = 0
        """Photos in work or waiting."""

    @property
    def places(self) -> int:
        """How many there are now."""
        settings, now = self._settings, self._clock()
        if not self.depth and now - self._refused > CALM:
            self._empty = now
        rushing = now - self._empty <= settings.rush_seconds
        return max(settings.waiting, settings.rush) if rushing else settings.waiting

    def check(self) -> None:
        """Whether there is a place; it is not kept.

        Raises:
            Overloaded: there is none.
        """
        if self.depth >= self.places:
            self._refused = self._clock()
            raise Overloaded(
                f"{self.depth} photos are waiting already.",
                hint=f"Try again in {AGAIN} s.",
                retry_after=AGAIN,
            )

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place, until it is left.

        Raises:
            Overloaded: there is none.
        """
        self.check()
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1
