"""Which names a person may have."""

from __future__ import annotations

import unicodedata
from typing import Final

from firstsight.errors import InvalidName

LONGEST: Final = 200
"""Characters."""

Who = str | int
"""A person: by name, or by ``Person.id``, which nobody else ever has, also when they were erased."""


def alphabetical(name: str) -> tuple[str, str]:
    """What people are sorted by: the name whatever its case, then the name."""
    return name.casefold(), name


def checked_name(name: str) -> str:
    """The name as it is kept: without surrounding space, in Unicode's composed form (NFC).

    So two ways of typing one name are one name. Case and everything else count: two people are
    never taken for one because their names are alike.

    Raises:
        InvalidName: empty, longer than 200 characters, or with control or other unseen characters.
        TypeError: it is no text; a number could be meant for a name as well as for a person's number.
    """
    if not isinstance(name, str):
        raise TypeError(f"A name is text, and {name!r} is {type(name).__name__}.")
    clean = unicodedata.normalize("NFC", name).strip()
    if not clean:
        raise InvalidName("The name is empty.", hint="Give the person a name.")
    if len(clean) > LONGEST:
        raise InvalidName(
            f"The name has {len(clean):,} characters; at most {LONGEST} are kept.",
            hint="Shorten it.",
        )
    for character in clean:
        # Control, format, surrogate, private and unassigned; line and paragraph separators.
        category = unicodedata.category(character)
        if category.startswith("C") or category in ("Zl", "Zp"):
            raise InvalidName(
                f"The name holds the character U+{ord(character):04X}, which cannot be seen.",
                hint="Remove it.",
            )
    return clean


def checked_who(who: Who) -> Who:
    """The same of a name; a number is nobody's to choose, so it stays.

    Raises:
        InvalidName: nobody can have that name.
    """
    return checked_name(who) if isinstance(who, str) else who
