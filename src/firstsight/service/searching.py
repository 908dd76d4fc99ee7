"""People by their name, or by a part of what is written of them."""

from __future__ import annotations

import unicodedata
from itertools import islice
from typing import Final

from firstsight.errors import InvalidName, NoSuchPerson
from firstsight.gallery import Person, Store
from firstsight.gallery.copying import everybody
from firstsight.gallery.names import checked_name

LOOKED: Final = 5000
"""People who are looked through for one answer: a search through all would hold a thread for long."""


def called(store: Store, name: str) -> list[Person]:
    """Who has that name, as the gallery finds them; nobody for one that no name can be."""
    try:
        return [store.person(checked_name(name))]
    except (InvalidName, NoSuchPerson):
        return []


def with_text(
    store: Store, text: str, after: int, limit: int, *, notes: bool
) -> tuple[list[Person], int | None]:
    """The next people who have that text in their name, whatever its case.

    Args:
        store: the gallery.
        text: what is looked for.
        after: the number after which to begin.
        limit: how many at most.
        notes: look into their notes as well. For who may not read them: what is found would tell them.

    Returns:
        Them, in the order of enrolment, and the number after which to go on; None when all were looked
        through. They may be few, or nobody, and there be more behind.
    """
    wanted, found, looked = _folded(text), list[Person](), 0
    for one in islice(everybody(store, after), LOOKED):
        after, looked = one.id, looked + 1
        if wanted in _folded(f"{one.name}\n{one.notes}" if notes else one.name):
            found.append(one)
            if len(found) == limit:
                return found, after
    return found, after if looked == LOOKED else None


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
