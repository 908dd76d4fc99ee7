"""Days, as requests have them."""

from __future__ import annotations

import re
from datetime import date


def read_day(value: object) -> date:
    """A day written as 2027-12-31, and nothing else: of 0, say, a calendar would make one of 1970.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a day is written as 2027-12-31")
