"""One person added as several are, and two people made one: what is the same in every engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date

from firstsight.gallery.names import Who
from firstsight.gallery.records import NewTemplate, Person
from firstsight.gallery.store import Named


class Adding(ABC):
    """Has ``Store.add`` from ``Store.add_each``."""

    def add(
        self,
        who: Who,
        new: Sequence[NewTemplate],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        newcomer: bool = False,
    ) -> Person:
        """Add a person with templates, or templates to a person of that name or number."""
        (person,) = self.add_each(
            [(who, new)], consent=consent, retain_until=retain_until, notes=notes, newcomer=newcomer
        )
        return person

    @abstractmethod
    def add_each(
        self,
        new: Sequence[Named],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        newcomer: bool = False,
    ) -> list[Person]:
        """The same for several."""


def united(kept: Person, gone: Person) -> tuple[str, date | None, str]:
    """Consent, last day and notes of two people who are one: what was promised to either holds.

    The earlier day stays; of consent and notes those of who stays, or else the other's.
    """
    days = [each.retain_until for each in (gone, kept) if each.retain_until]
    return kept.consent or gone.consent, min(days, default=None), kept.notes or gone.notes
