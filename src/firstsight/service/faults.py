"""Errors as the log may hold them, their kinds and places, and as anybody may be told of them.

What they say is left out of the log. It may hold a value, and a value may be a name.
"""

from __future__ import annotations

import logging
import traceback
from typing import Final

from firstsight.errors import (
    FirstsightError,
    GalleryBusy,
    GalleryCorrupt,
    GalleryLocked,
    GalleryTooNew,
    GalleryUnavailable,
    ModelMismatch,
)

VEILED: Final[dict[type[FirstsightError], str]] = {
    GalleryUnavailable: "The gallery, or the service's file beside it, cannot be used.",
    GalleryBusy: "The gallery, or the service's file beside it, is in use by others for too long.",
    GalleryCorrupt: "The gallery is damaged.",
    GalleryTooNew: "A later version of firstsight wrote the gallery.",
    GalleryLocked: "The gallery cannot be read with the key that the service has for it.",
    ModelMismatch: "The gallery was made with another model.",
}
"""What those who ask are told of failures whose own words are for whoever runs the service: they hold
paths, addresses of servers and what a database said."""
log = logging.getLogger("firstsight.service")


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


def veiled(error: FirstsightError, what: str, number: str) -> FirstsightError:
    """An error in words for anybody; what happened is in the log, as far as that may hold it.

    Args:
        error: that is to be told.
        what: came to it: a request, an import.
        number: of that, by which it is found in the log.
    """
    text = next((text for kind, text in VEILED.items() if isinstance(error, kind)), None)
    if text is None:
        return error
    # SQLite's name of its reason: its own words may hold a value.
    reason = getattr(error.__cause__, "sqlite_errorname", "")
    log.error("%s %s: %s %s\n%s", what, number, error.code, reason, told(error))
    return type(error)(text, hint=f"What happened is in the service's log under {number}.")
