"""Days, as requests have them, and those up to which somebody may be kept."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime


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


def today() -> date:
    """By the clock that retention goes by."""
    return datetime.now(UTC).date()


def to_come(day: date) -> date:
    """The same day, unless whoever is kept up to it would be erased by the next sweep.

    Raises:
        ValueError: it has passed.
    """
    if day < (now := today()):
        raise ValueError(f"{day} is before today, which is {now} (UTC): the person would be erased at once")
    return day


def coming_day(value: object) -> date:
    """``read_day``, of a day that has not passed.

    Raises:
        ValueError: it is no day, or it has passed.
    """
    return to_come(read_day(value))
