"""Numbers in addresses, and lists, page by page, by opaque cursors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, Protocol

from fastapi import Path, Query

from firstsight.errors import BodyMalformed

LARGEST: Final = 2**63 - 1
"""Number that SQLite holds."""
DIGITS: Final = 18
"""Of a cursor."""
Number = Annotated[int, Path(ge=1, le=LARGEST)]
"""Of a person or a photo."""
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
OURS: Final = {"pattern": f"^([1-9][0-9]{{0,{DIGITS - 1}}})?$"}
"""What the description for machines says of cursors; people are told by ``number``."""
ABOUT: Final = "The `next` of the page before."
Cursor = Annotated[str | None, Query(max_length=100, description=ABOUT, json_schema_extra=OURS)]


class Numbered(Protocol):
    """Something on a page."""

    @property
    def id(self) -> int:
        """What the pages are in the order of."""
        ...


def number(cursor: str | None) -> int | None:
    """A cursor's place; None for the first page.

    Raises:
        BodyMalformed: we did not give it: begun anew, a list that is read by it would have no end.
    """
    if not cursor:
        return None
    if not re.fullmatch(OURS["pattern"], cursor, re.ASCII):
        raise BodyMalformed(
            "The cursor is none of ours.", hint="Send the `next` of the page before, or none."
        )
    return int(cursor)


def following(page: Sequence[Numbered], limit: int) -> str | None:
    """Where the next page begins; None after one that is not full."""
    return str(page[-1].id) if len(page) == limit else None
