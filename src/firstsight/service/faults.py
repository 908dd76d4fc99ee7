"""Errors that nobody expected, as the log may hold them: their kinds and places.

What they say is left out. It may hold a value, and a value may be a name.
"""

from __future__ import annotations

import traceback


def told(error: BaseException) -> str:
    """The kind of an error and where it came from, and of those that led to it, the first one first."""
    parts, seen = [], set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        kind = type(current)
        places = "".join(traceback.format_tb(current.__traceback__))
        parts.append(f"{places}{kind.__module__}.{kind.__qualname__}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nwhich led to\n".join(reversed(parts))
