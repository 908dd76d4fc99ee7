"""Text and times, as they are stored."""

from __future__ import annotations

from datetime import UTC, date, datetime

from firstsight.errors import GalleryCorrupt, UsageError


def now() -> str:
    """This moment, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def moment() -> datetime:
    """The same, as it is read back."""
    return read_time(now())


def read_time(text: str) -> datetime:
    """A moment that ``now`` wrote.

    Raises:
        GalleryCorrupt: it did not.
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _no_date(text) from error


def day(value: date | None) -> str | None:
    """A day, without the time that a datetime has.

    Raises:
        UsageError: it is none, such as a text that reads like one.
    """
    if value is None:
        return None
    if not isinstance(value, date):
        raise UsageError(
            f"{value!r} is {type(value).__name__}, not a day.",
            hint='Give a datetime.date: date(2027, 1, 31), or date.fromisoformat("2027-01-31").',
        )
    return date.isoformat(value)


def read_day(text: str | None) -> date | None:
    """A day that ``day`` wrote.

    Raises:
        GalleryCorrupt: it did not.
    """
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise _no_date(text) from error


def storable(text: str) -> str:
    """The text, with what UTF-8 cannot hold (half surrogates, as in some files' names) escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _no_date(text: str | None) -> GalleryCorrupt:
    return GalleryCorrupt(
        f"The gallery holds the date {text!r}, which is none.", hint="Restore it from a backup."
    )
