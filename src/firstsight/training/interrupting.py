"""Ctrl-C at a moment when nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Let Ctrl-C wait until it is asked for; a second one does not wait.

    A step that is cut in two leaves weights that no checkpoint should hold: batch norms have seen the
    batch, and some layers have moved.

    Yields:
        What raises KeyboardInterrupt if there was a Ctrl-C; to be called where all is whole.
    """
    asked = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def look() -> None:
        if asked:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield look  # signals reach the main thread only
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield look
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
