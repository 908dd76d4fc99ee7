"""Text as PostgreSQL can hold it: any but U+0000, which stands escaped."""

from __future__ import annotations

from typing import Final

from firstsight.gallery.text import storable

ESCAPE: Final = "\uffff"
"""No character, and in nobody's text; where it is all the same, it is escaped as well."""


def held(text: str) -> str:
    """The text as it is stored."""
    return storable(text).replace(ESCAPE, f"{ESCAPE}1").replace("\0", f"{ESCAPE}0")


def given(stored: str) -> str:
    """The text that ``held`` stored."""
    return stored.replace(f"{ESCAPE}0", "\0").replace(f"{ESCAPE}1", ESCAPE)
