"""Numbers in addresses, and lists, page by page, by opaque cursors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Protocol

from fastapi import Path, Query

LARGEST: Final = 2**63 - 1
"""Number that SQLite holds."""
Number = Annotated[int, Path(ge=1, le=LARGEST)]
"""Of a person or a photo."""
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=100, description="The `next` of the page before.")]


class Numbered(Protocol):
    """Something on a page."""

    @property
    def id(self) -> int:
        """What the pages are in the order of."""
        ...


def number(cursor: str | None) -> int | None:
    """A cursor's place; one that we did not give begins anew."""
    return int(cursor) if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else None


def following(page: Sequence[Numbered], limit: int) -> str | None:
    """Where the next page begins; None after one that is not full."""
    return str(page[-1].id) if len(page) == limit else None
