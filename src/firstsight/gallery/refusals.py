"""What every engine refuses, in the same words."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import ModelMismatch, NameTaken, NoSuchPerson, NoSuchTemplate, UsageError
from firstsight.gallery.names import Who, checked_who
from firstsight.gallery.records import Contract, NewTemplate, Person
from firstsight.gallery.store import Named
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


def fits(template: NewTemplate, dimension: int, *, unit: bool = True) -> None:
    """See that a template can be stored; ``unit`` as in ``embedding_bytes``.

    Raises:
        UsageError: it cannot.
    """
    embedding_bytes(template.embedding, dimension, unit=unit)
    if not 0 <= template.quality <= 1:
        raise UsageError(f"A quality of {template.quality} cannot be noted.", hint="Give one from 0 to 1.")


def checked(new: Sequence[Named], dimension: int, *, unit: bool = True) -> list[Named]:
    """Names as they are kept, or numbers, and templates that can be stored.

    Raises:
        InvalidName: one of the names.
        UsageError: one of the templates cannot.
    """
    named = [(checked_who(who), templates) for who, templates in new]
    for _, templates in named:
        for template in templates:
            fits(template, dimension, unit=unit)
    return named


def searchable(probes: NDArray[np.float32], k: int, dimension: int) -> None:
    """See that probes can be searched.

    Raises:
        UsageError: probes of another shape, or a k below 1.
    """
    if probes.ndim != 2 or probes.shape[1] != dimension or k < 1:
        raise UsageError(
            f"Probes of shape {probes.shape} cannot be searched for {k} people.",
            hint=f"Give (N, {dimension}) and at least one.",
        )


def two_people(source: Person, into: Person) -> None:
    """See that those who are to be merged are two, by whatever name or number they were given.

    Raises:
        UsageError: they are one.
    """
    if source.id == into.id:
        raise UsageError(f"{source.name!r} cannot be merged with itself.", hint="Name two people.")


def past(person: Person, today: date | None) -> None:
    """See that somebody's last day lies before that one; None asks nothing.

    Raises:
        UsageError: it does not, or they have none.
    """
    if today is not None and (person.retain_until is None or person.retain_until >= today):
        raise UsageError(f"{person.name!r} may still be kept.", hint="Erase them by name, or wait.")


def foreseen(held: Iterable[int], known: Container[int]) -> None:
    """See that a move to another model removes no template that whoever planned it never saw.

    Raises:
        UsageError: it would.
    """
    if any(number not in known for number in held):
        raise UsageError(
            "The gallery has got new photos: somebody was enrolled meanwhile. Nothing was changed.",
            hint="Give the command again.",
        )


def name_taken(name: str) -> NameTaken:
    """The error of a new name that somebody has."""
    return NameTaken(
        f"Somebody is called {name!r} already.",
        hint="Choose another name, or merge the two: firstsight people merge",
    )


def no_place_for(person: Person) -> NameTaken:
    """The error of a person of another gallery for whom there is no place."""
    return NameTaken(
        f"Somebody has the name {person.name!r}, its number {person.id} or that of a photo already.",
        hint="Copy to a gallery that is empty.",
    )


def moved(place: Path | str, held: Contract) -> ModelMismatch:
    """The error of a gallery that was moved to another model while it was open."""
    return ModelMismatch(f"{place} was moved to {held.model} meanwhile.", hint="Open it again.")


def nobody_called(name: str) -> NoSuchPerson:
    """The error of a name that nobody has."""
    return NoSuchPerson(f"Nobody called {name!r} is in the gallery.", hint="See: firstsight people list")


def nobody_is(who: Who) -> NoSuchPerson:
    """The error of a name or a number that nobody has."""
    return nobody_called(who) if isinstance(who, str) else nobody_numbered(who)


def nobody_numbered(number: int) -> NoSuchPerson:
    """The error of a number that nobody has."""
    return NoSuchPerson(f"Nobody with the number {number} is in the gallery.", hint="List the people.")


def no_photo(number: int) -> NoSuchTemplate:
    """The error of a number that no template has."""
    return NoSuchTemplate(
        f"No photo with the number {number} is in the gallery.", hint="See: firstsight people show NAME"
    )
