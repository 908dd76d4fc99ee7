"""How fast one key may ask: a bucket of tokens for each, that fills with time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from firstsight.errors import RateLimited


class Rates:
    """Buckets by the number of a key; there are as many as keys."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow ``burst`` at once and ``rate`` a second in the long run."""
        self._rate, self._burst, self._clock = rate, burst, clock
        self._lock = threading.Lock()
        self._buckets: dict[int, tuple[float, float]] = {}

    def take(self, key_id: int) -> None:
        """Count one request.

        Raises:
            RateLimited: the bucket is empty; the hint says when to come back.
        """
        with self._lock:
            now = self._clock()
            left, then = self._buckets.get(key_id, (float(self._burst), now))
            left = min(self._burst, left + (now - then) * self._rate)
            if left >= 1:
                self._buckets[key_id] = left - 1, now
                return
            self._buckets[key_id] = left, now
        wait = math.ceil((1 - left) / self._rate)
        raise RateLimited(
            "Too many requests with this key.", hint=f"Try again in {wait} s.", retry_after=wait
        )
