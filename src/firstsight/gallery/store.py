"""The contract of every gallery."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firstsight.gallery.names import Who
from firstsight.gallery.records import (
    Contract,
    KeptCrop,
    Match,
    Moved,
    NewTemplate,
    Person,
    Receipt,
    Template,
)

Named = tuple[Who, Sequence[NewTemplate]]
"""Somebody's name or number, and photos of them that are to be added."""
Held = tuple[Template, NewTemplate]
"""A template, with all that is kept of it."""
Last = tuple[int, int]
"""The highest numbers that a person and a template of a gallery ever had; 0 where there was none."""


class Store(Protocol):
    """People and their templates.

    Safe to share between threads, and each change is one transaction. Names are taken as
    ``names.checked_name`` gives them back. Who is given by number (``Person.id``) is found within the
    change itself: by another name, should they have got one meanwhile, and never anew, should they
    have been erased. Every method may raise ``GalleryUnavailable``,
    ``GalleryBusy``, ``GalleryCorrupt``, and ``ModelMismatch`` when the gallery was moved to another
    model meanwhile; those that need embeddings or crops also ``GalleryLocked``.
    """

    @property
    def contract(self) -> Contract:
        """What made the templates."""

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
        """Add a person with templates, or templates to the person of that name or number: all, or none.

        Args:
            who: their name, or their number.
            new: templates; maybe none.
            consent: how they agreed; None leaves what was noted.
            retain_until: last day to keep them; None as well.
            notes: anything else; None as well.
            newcomer: whether they must be new: of two who come at once with one name one is refused.

        Raises:
            NoSuchPerson: nobody has that number.
            NameTaken: somebody has that name, and was to be a newcomer.
            InvalidName: the name.
            UsageError: an embedding of another shape or type, or not finite, or not of unit length
                where the gallery is searched by inner products; a quality outside 0 to 1.
        """

    def add_each(
        self,
        new: Sequence[Named],
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        newcomer: bool = False,
    ) -> list[Person]:
        """``add`` for one after the other, at the price of one change.

        Each person whole or not at all. Should the call fail, the first few may be there.

        Args:
            new: names or numbers and their templates; a person may come more than once.
            consent: of all of them, as are the day and the notes.
            retain_until: see ``add``.
            notes: see ``add``.
            newcomer: see ``add``; of each.

        Returns:
            For each of them the person, as they are afterwards.

        Raises:
            InvalidName, NoSuchPerson, NameTaken, UsageError: as ``add``; nothing was added.
        """

    def people(self) -> list[Person]:
        """Everybody, by name, whatever its case."""

    def person(self, who: Who) -> Person:
        """One of them.

        Raises:
            NoSuchPerson: nobody has that name or number.
        """

    def page(self, after: int, limit: int) -> list[Person]:
        """The next ``limit`` people whose number is above ``after``, in the order of enrolment."""

    def templates(self, who: Who) -> list[Template]:
        """A person's templates, oldest first.

        Raises:
            NoSuchPerson: nobody has that name or number.
        """

    def annotate(
        self,
        who: Who,
        *,
        consent: str | None = None,
        retain_until: date | None = None,
        notes: str | None = None,
        no_date: bool = False,
    ) -> Person:
        """Change what is noted of a person; None leaves a field as it is.

        Args:
            who: whose.
            consent: how they agreed; "" takes it back.
            retain_until: last day to keep them.
            notes: anything else; "" takes them back.
            no_date: take the last day back: they are kept until somebody erases them.

        Raises:
            NoSuchPerson: nobody has that name or number.
        """

    def rename(self, who: Who, new: str) -> Person:
        """Give a person another name.

        Raises:
            InvalidName: the new name.
            NoSuchPerson: nobody has the old name, or the number.
            NameTaken: somebody else has the new one.
        """

    def merge(self, source: Who, into: Who) -> Person:
        """Move all of one person's templates to another and remove the first.

        Consent and notes are kept of the second, or of the first where the second has none; of two
        days of retention the earlier holds.

        Raises:
            NoSuchPerson: nobody has one of the names or numbers.
            UsageError: both are the same.
        """

    def move_template(self, template_id: int, to: str) -> Moved:
        """Move one template to another person, who is added when new.

        Who is left without any is removed: they were known by somebody else's photo only.

        Raises:
            NoSuchTemplate: there is none of that number.
            InvalidName: the name.
        """

    def remove_template(self, template_id: int) -> Receipt:
        """Remove one template; the person stays, if need be without any, to be enrolled again.

        Raises:
            NoSuchTemplate: there is none of that number.
        """

    def erase(self, who: Who, *, today: date | None = None) -> Receipt:
        """Remove a person and everything held of them, so that nothing is left in the files.

        Args:
            who: their name, or their number.
            today: if given, only somebody whose last day lies before it, as it is within the change.

        Raises:
            NoSuchPerson: nobody has that name or number.
            UsageError: their last day has not passed; nothing was removed.
        """

    def count_people(self) -> int:
        """How many people there are."""

    def count_templates(self) -> int:
        """How many templates a probe is compared with."""

    def search(self, probes: NDArray[np.float32], k: int) -> list[list[Match]]:
        """The ``k`` most similar people to each probe, best first.

        Of a person the best template counts. Exact, and of the gallery as it is now.

        Args:
            probes: (N, D) float32, rows of unit length.
            k: how many people, at least 1; fewer come back from a smaller gallery.

        Raises:
            UsageError: probes of another shape, or a k below 1.
        """

    def crop(self, template_id: int) -> KeptCrop:
        """One template's crop, if it was kept.

        Raises:
            NoSuchTemplate: there is none of that number.
        """

    def crops(self) -> Iterator[KeptCrop]:
        """Every template's crop, if it was kept, in the order of enrolment; read one by one."""

    def held(self, number: int) -> list[Held]:
        """A person's templates with all that is kept of them, oldest first; to copy a gallery.

        Args:
            number: theirs.

        Raises:
            NoSuchPerson: nobody has that number.
        """

    def take(self, people: Sequence[tuple[Person, Sequence[Held]]]) -> None:
        """Add people as another gallery holds them: with their numbers, names, times and templates.

        Each of them whole or not at all. Should the call fail, the first few may be there.

        Args:
            people: in the order of enrolment, with what ``held`` gave.

        Raises:
            NameTaken: somebody has one of the names or numbers; nobody was added.
            UsageError: an embedding of another shape or type, or not finite.
        """

    def last(self) -> Last:
        """Up to where numbers were given, also to who was erased since."""

    def begin_after(self, last: Last) -> None:
        """Give nobody new a number up to these: somebody had it in the gallery that this is a copy of.

        Args:
            last: what ``last`` gave there; lower numbers than this gallery's own change nothing.
        """

    def replace_all(
        self,
        contract: Contract,
        embeddings: Mapping[int, NDArray[np.float32]],
        dropped: Collection[int] = (),
    ) -> list[str]:
        """Move the gallery to another model, in one transaction.

        To search it afterwards, open it again with that model.

        Args:
            contract: of the new model.
            embeddings: (D,) float32 by template, as ``add`` takes them.
            dropped: templates that are removed for want of a new embedding.

        Returns:
            Names of the people who are left without a template, to be enrolled again.

        Raises:
            UsageError: there is a template in neither, of somebody who was enrolled meanwhile, or an
                embedding of another shape, type or length; nothing was changed.
        """

    def clear(self) -> bool:
        """Overwrite what edits left in the gallery's own files, where that was put off.

        Returns:
            Whether nothing is left of them; see ``Receipt.cleared``.
        """

    def close(self) -> None:
        """Clear, and close it; a closed gallery cannot be used again."""
