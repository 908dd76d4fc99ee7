"""Copy a gallery from any engine to any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from firstsight.errors import GalleryUnavailable, ModelMismatch, NoSuchPerson, UsageError
from firstsight.gallery.records import Person
from firstsight.gallery.store import Held, Store

BATCH: Final = 256
"""People read and written at a time."""
TEMPLATES: Final = 2048
"""Templates written at a time, as soon as there are so many."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy came to."""

    people: int
    templates: int
    crops: int
    before: int
    """People who had been copied before this run."""
    checksum: str
    """SHA-256 of all people and templates, the same in both galleries."""


def copy(
    source: Store, target: Store, *, copying: Progress | None = None, verifying: Progress | None = None
) -> Copied:
    """Copy everybody, with their numbers, and see that both galleries hold the same.

    Of the numbers none is given to anybody else there. Interrupted, it goes on when it is called again:
    who is in the target as in the source is passed over. The source should not change meanwhile; if it
    does, the end says so.

    Args:
        source: what is copied.
        target: an empty gallery of the same contract, or one that a copy of the source was begun in.
        copying: told how many people are there, and of how many.
        verifying: the same, while both are read and compared.

    Raises:
        ModelMismatch: the two are of different models.
        UsageError: the target holds something else.
        GalleryUnavailable: the two differ at the end.
    """
    if source.contract != target.contract:
        raise ModelMismatch(
            f"The galleries are of two models, {source.contract.model} and {target.contract.model}.",
            hint="Move one with: firstsight reembed",
        )
    whole = source.count_people()
    before = _held_before(source, target)
    done, batch, waiting = before, [], 0
    if copying:
        copying(done, whole)
    for person in _missing(source, target):
        held = _held(source, person)
        if held is None:
            continue  # erased meanwhile
        batch.append((person, held))
        waiting += len(held)
        if len(batch) >= BATCH or waiting >= TEMPLATES:
            target.take(batch)
            done += len(batch)
            batch, waiting = [], 0
            if copying:
                copying(done, whole)
    if batch:
        target.take(batch)
        if copying:
            copying(done + len(batch), whole)
    # Who asks for somebody by number must not meet another, because the first was erased before the copy.
    target.begin_after(source.last())
    return _verified(source, target, before, verifying)


def everybody(store: Store, after: int = 0) -> Iterator[Person]:
    """All people in the order of enrolment, behind a number."""
    while page := store.page(after, BATCH):
        yield from page
        after = page[-1].id


def digest(person: Person, held: Sequence[Held]) -> bytes:
    """SHA-256 of all that is kept of a person."""
    found = hashlib.sha256(_line(asdict(person)))
    for template, new in held:
        found.update(_line(asdict(template)))
        found.update(new.embedding.astype("<f4").tobytes())
        found.update(hashlib.sha256(new.crop or b"").digest())
    return found.digest()


def _line(values: dict[str, object]) -> bytes:
    return json.dumps(values, default=str, sort_keys=True).encode() + b"\n"


def _held_before(source: Store, target: Store) -> int:
    """How many people of the target were copied before.

    Raises:
        UsageError: it holds something that the source does not hold.
    """
    known, count = iter(everybody(source)), 0
    theirs = next(known, None)
    for person in everybody(target):
        while theirs and theirs.id < person.id:
            theirs = next(known, None)
        if theirs != person:
            raise UsageError(
                f"The target holds other content: {person.name!r} is not so in the source.",
                hint="Name a new gallery, or one in which a copy of the same source was begun.",
            )
        count += 1
    return count


def _missing(source: Store, target: Store) -> Iterator[Person]:
    """People of the source who are not in the target yet."""
    after = 0
    while page := source.page(after, BATCH):
        upto = page[-1].id
        there = {person.id for person in target.page(after, len(page)) if person.id <= upto}
        yield from (person for person in page if person.id not in there)
        after = upto


def _held(store: Store, person: Person) -> list[Held] | None:
    try:
        return store.held(person.id)
    except NoSuchPerson:
        return None


def _verified(source: Store, target: Store, before: int, progress: Progress | None) -> Copied:
    """Read both galleries and compare them.

    Raises:
        GalleryUnavailable: they differ.
    """
    whole, people, templates, crops = source.count_people(), 0, 0, 0
    total = hashlib.sha256()
    theirs = everybody(target)
    for person in everybody(source):
        other = next(theirs, None)
        held = _held(source, person)
        found = _held(target, other) if other else None
        if other is None or held is None or found is None:
            raise _different(person)
        mine = digest(person, held)
        if mine != digest(other, found):
            raise _different(person)
        total.update(mine)
        people += 1
        templates += len(held)
        crops += sum(bool(new.crop) for _, new in held)
        if progress:
            progress(people, whole)
    if (more := next(theirs, None)) is not None:
        raise _different(more)
    counted = target.count_people(), target.count_templates()
    if counted != (people, templates):
        raise GalleryUnavailable(
            f"The copy counts {counted[0]} people and {counted[1]} photos, but {people} and {templates} "
            "were copied.",
            hint="Was it changed meanwhile? Copy to a new gallery.",
        )
    return Copied(people, templates, crops, before, total.hexdigest())


def _different(person: Person) -> GalleryUnavailable:
    return GalleryUnavailable(
        f"The copy differs from its source: {person.name!r} is not the same in both.",
        hint="Was one of them changed meanwhile? Copy to a new gallery.",
    )
