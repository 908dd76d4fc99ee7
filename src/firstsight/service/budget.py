"""Bytes that requests hold in memory together: what is beyond is refused before it is read, or waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from firstsight.errors import Overloaded
from firstsight.service.settings import MEBIBYTE


class Budget:
    """So many bytes, shared by whoever asks. Of one event loop."""

    def __init__(self, whole: int, retry_after: int) -> None:
        """Give out ``whole`` bytes; who gets none is told to come back after so many seconds."""
        self._whole, self._retry_after = whole, retry_after
        self.taken = 0
        """Bytes that are given out now."""

    def take(self, count: int) -> Share:
        """Set so many bytes aside; when nobody else has any, one may have all.

        Raises:
            Overloaded: there are not so many left.
        """
        count = min(count, self._whole)
        if self.taken + count > self._whole:
            raise Overloaded(
                f"Others are sending, or have waiting, {self.taken / MEBIBYTE:.0f} MiB; "
                f"at most {self._whole / MEBIBYTE:.0f} MiB are held at once.",
                hint=f"Try again in {self._retry_after} s.",
                retry_after=self._retry_after,
            )
        self.taken += count
        return Share(self, count)


class Share:
    """Bytes set aside, until they are given back."""

    def __init__(self, budget: Budget, count: int) -> None:
        """Of a budget, which counted them already."""
        self._budget, self._count = budget, count

    def keep(self, count: int) -> None:
        """Give back all but so many; no more than there are can be kept."""
        kept = min(count, self._count)
        self._budget.taken -= self._count - kept
        self._count = kept

    def release(self) -> None:
        """Give back all of them, once."""
        self.keep(0)


class Gate:
    """So many bytes, for which threads wait in the order in which they came."""

    def __init__(self, whole: int) -> None:
        """Let work of ``whole`` bytes be done at the same time."""
        self._whole = whole
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self.taken = 0
        """Bytes of the work that is being done."""

    @contextmanager
    def held(self, count: int) -> Iterator[None]:
        """So many bytes, as soon as they are free; what needs more than there are is done alone."""
        count, me = min(count, self._whole), object()
        with self._changed:
            # Otherwise small ones, one after the other, would keep a large one waiting for ever.
            self._line.append(me)
            self._changed.wait_for(lambda: self._line[0] is me and self.taken + count <= self._whole)
            self._line.popleft()
            self.taken += count
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.taken -= count
                self._changed.notify_all()
