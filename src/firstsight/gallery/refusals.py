"""What every engine refuses, in the same words."""

from __future__ import annotations

from pathlib import Path

from firstsight.errors import ModelMismatch, NoSuchPerson, NoSuchTemplate, UsageError
from firstsight.gallery.records import Contract, NewTemplate
from firstsight.gallery.vault import embedding_bytes


def agree(wanted: Contract, held: Contract, place: Path | str) -> None:
    """Refuse a gallery that was made with another model or preprocessing.

    Raises:
        ModelMismatch: it was.
    """
    if held == wanted:
        return
    made, asked = held.model, wanted.model
    if made == asked and held.digest != wanted.digest:
        made, asked = (f"{each.model} with weights {each.digest[:12]}" for each in (held, wanted))
    elif made == asked:
        made, asked = (
            f"{each.model} with preprocessing {each.preprocessing} and {each.dimension} numbers"
            for each in (held, wanted)
        )
    stay = f"Use --model {held.model}, or move" if held.model != wanted.model else "Move"
    raise ModelMismatch(
        f"{place} was made with {made}, not {asked}; their templates cannot be compared.",
        hint=f"{stay} the gallery: firstsight reembed --model {wanted.model}",
    )


def fits(template: NewTemplate, dimension: int) -> None:
    """See that a template can be stored.

    Raises:
        UsageError: it cannot.
    """
    embedding_bytes(template.embedding, dimension)
    if not 0 <= template.quality <= 1:
        raise UsageError(f"A quality of {template.quality} cannot be noted.", hint="Give one from 0 to 1.")


def nobody_called(name: str) -> NoSuchPerson:
    """The error of a name that nobody has."""
    return NoSuchPerson(f"Nobody called {name!r} is in the gallery.", hint="See: firstsight people list")


def nobody_numbered(number: int) -> NoSuchPerson:
    """The error of a number that nobody has."""
    return NoSuchPerson(f"Nobody with the number {number} is in the gallery.", hint="List the people.")


def no_photo(number: int) -> NoSuchTemplate:
    """The error of a number that no template has."""
    return NoSuchTemplate(
        f"No photo with the number {number} is in the gallery.", hint="See: firstsight people show NAME"
    )
