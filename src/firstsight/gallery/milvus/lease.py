"""Who writes to a gallery now: one process at a time.

Milvus cannot compare and set. A process that wants to write adds a row of its own to the root, then
reads all such rows: only if its own is the one there, it writes. Of two that come at once at least
one sees the other, and who sees another takes the own row back and tries again. A thread of the
writer's puts a new row in place of the old one again and again; a row that stays the same for
``LEASE`` seconds is one of a process that died, and is removed by whoever waits. No clocks are
compared.

This holds as long as no process sleeps between its last look at the clock and the end of one call
for longer than half of ``LEASE``; there is no fence in Milvus against one that does.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from contextlib import suppress
from typing import Final

from firstsight.errors import GalleryBusy, GalleryError
from firstsight.gallery.milvus.connection import Connection
from firstsight.gallery.milvus.layout import BLANK

LEASE = 10.0
"""Seconds after which a writer that does not stir is held to be dead."""
PATIENCE = 30.0
"""Seconds to wait for another process that writes."""
LOOK: Final = 0.3
"""Seconds between two looks at whether it has finished."""


class Lease:
    """The right to write, of this process. For one thread at a time, beside the one that renews it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._root = connection.address.name
        self._holder = uuid.uuid4().hex
        self._row: int | None = None
        self._renewed = 0.0
        self._lock = threading.RLock()
        self._end = threading.Event()

    @property
    def held(self) -> bool:
        """Whether nobody can have taken it over."""
        return self._row is not None and time.monotonic() - self._renewed < LEASE / 2

    def renew(self) -> bool:
        """Keep it, if it is still ours; False where it has to be got anew."""
        with self._lock:
            if not self.held:
                return False
            if time.monotonic() - self._renewed > LEASE / 6:
                old = self._row
                self._claim()
                if old is not None:
                    self._connection.delete(self._root, [old])
            return True

    def acquire(self) -> bool:
        """Get it, waiting for others.

        Returns:
            Whether it was taken from one that died.

        Raises:
            GalleryBusy: another process has been writing for too long.
        """
        self.release()
        until, since, taken = time.monotonic() + PATIENCE, time.monotonic(), False
        seen: set[int] = set()
        while True:
            others = self._others()
            if not others:
                self._claim()
                rows = self._rows()
                if self._row in rows and set(rows.values()) == {self._holder}:
                    self._connection.delete(self._root, sorted(rows.keys() - {self._row}))
                    self._end = threading.Event()
                    threading.Thread(target=self._beat, args=(self._end,), daemon=True).start()
                    return taken
                self.release()
                time.sleep(random.uniform(0, LOOK))  # noqa: S311 - so that two do not meet again
            elif others != seen:
                seen, since = others, time.monotonic()
            elif time.monotonic() - since > LEASE:
                self._connection.delete(self._root, sorted(others))
                taken = True
                continue
            if time.monotonic() > until:
                raise GalleryBusy(
                    f"Another process has been writing to {self._connection.address.shown} "
                    f"for over {PATIENCE:.0f} seconds.",
                    hint="Try again when it has finished.",
                )
            time.sleep(LOOK if others else 0)

    def check(self) -> None:
        """See that it is still ours, before a change is made.

        Raises:
            GalleryBusy: we were held up for so long that another may write now.
        """
        if not self.held:
            raise GalleryBusy(
                f"Writing to {self._connection.address.shown} took too long; nothing was changed.",
                hint="Try again.",
            )

    def release(self) -> None:
        """Give it back."""
        self._end.set()
        with self._lock:
            if self._row is not None:
                row, self._row = self._row, None
                self._connection.delete(self._root, [row])

    def _beat(self, end: threading.Event) -> None:
        """Renew it for as long as the process lives, or until it is given back."""
        while not end.wait(LEASE / 5):
            with self._lock, suppress(GalleryError):
                if end.is_set() or not self.renew():
                    return

    def _claim(self) -> None:
        row = -random.getrandbits(62) - 1
        began = time.monotonic()
        body = json.dumps({"holder": self._holder})
        self._row = row
        self._connection.insert(self._root, [{"pk": row, "body": body, "vector": BLANK}])
        self._renewed = began

    def _others(self) -> set[int]:
        return {row for row, holder in self._rows().items() if holder != self._holder}

    def _rows(self) -> dict[int, str]:
        rows = self._connection.query(self._root, "pk < 0", ("pk", "body"), self._connection.moment())
        return {int(row["pk"]): json.loads(row["body"])["holder"] for row in rows}
