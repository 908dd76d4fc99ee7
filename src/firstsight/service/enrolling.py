"""Photos to a person: all of a request's or none, once for each idempotency key."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from starlette.concurrency import run_in_threadpool

from firstsight.errors import BodyMalformed, ChangeUncertain, GalleryUnavailable, Overloaded, UsageError
from firstsight.gallery import Person
from firstsight.gallery.text import now
from firstsight.recognizer.encoder import label
from firstsight.recognizer.recognizer import new_template
from firstsight.service import faults
from firstsight.service.bodies import Part
from firstsight.service.keys import Key
from firstsight.service.state import Service

log = logging.getLogger("firstsight.service")
LONGEST = 200
"""Characters of an idempotency key."""
UNCERTAIN: Final = 0
"""In the place of a person's number, which begin at 1: of a request that was done, or not."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Photos that are to become a person's."""

    name: str
    """Of the person, new or not."""
    photos: Sequence[Part]
    """At least one."""
    keep_crops: bool = False
    """Also keep the picture of each face."""
    force: bool = False
    """Enrol even from poor photos."""
    consent: str | None = None
    """How they agreed."""
    retain_until: date | None = None
    """The last day that they are kept."""
    notes: str | None = None
    """Anything else."""
    person_id: int | None = None
    """The one to whom the photos belong, by whatever name they have by then."""


async def enrol(
    service: Service, key: Key, wanted: Wanted, *, once: Once | None = None, status: int = 201
) -> Person:
    """See ``Recognizer.enroll``.

    Args:
        service: where.
        key: whose request it is.
        wanted: whom, from what.
        once: remembers the answer as soon as there is one, even when who asked has gone.
        status: of the answer, for the audit log.

    Raises:
        BodyMalformed: no photo.
        NoSuchPerson: whoever has that number was erased.
        FirstsightError: as ``Recognizer.enroll``, and ``Overloaded``.
    """
    if not wanted.photos:
        raise BodyMalformed("No photo was sent.", hint="Send one or more as 'photo'.")
    templates = []
    with service.engine.place() as place:
        for photo in wanted.photos:
            called = photo.name or label(photo.content)
            face = await place.only_face(photo.content, called)
            service.metrics.seen(1)
            templates.append(
                await run_in_threadpool(new_template, face, called, wanted.keep_crops, wanted.force)
            )

    def add() -> Person:
        store = service.recognizer.store
        # Photos take their time: who was erased meanwhile must not come back by their name.
        who = wanted.name if wanted.person_id is None else wanted.person_id
        with service.change(key, "enroll", person_id=wanted.person_id, status=status) as noted:
            try:
                person = store.add(
                    who,
                    templates,
                    consent=wanted.consent,
                    retain_until=wanted.retain_until,
                    notes=wanted.notes,
                )
            except ChangeUncertain:
                if once:
                    once.keep(UNCERTAIN)
                raise
            noted("enrolled", person.id)
            if once:
                once.keep(person.id)
        return person

    work = asyncio.ensure_future(run_in_threadpool(add))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        # Whoever ends the service closes the files next: a change must be noted before.
        await asyncio.wait([work])
        raise


async def enrol_once(
    service: Service, key: Key, token: str, request: Sequence[bytes], wanted: Wanted
) -> Person:
    """``enrol``, unless the same request came before: then who was enrolled by it, as they are now.

    Args:
        service: where.
        key: whose request it is.
        token: that its sender gave it; empty for none.
        request: what tells it from others, beside its photos and how they are taken.
        wanted: whom, from what.

    Raises:
        UsageError: another request had that token, or it is too long.
        Overloaded: the same request is being done.
        FirstsightError: as ``enrol``.
    """
    taken = f"keep_crops={wanted.keep_crops}".encode(), f"force={wanted.force}".encode()
    once = Once(service, key, token, [*request, *taken, *(part.content for part in wanted.photos)])
    if person := await run_in_threadpool(once.begin):
        return person
    try:
        return await enrol(service, key, wanted, once=once)
    except ChangeUncertain:
        # It may stand: the same request must not be done again.
        raise
    except BaseException:
        # Even when who asked has gone: the next try must not wait for this one.
        await asyncio.shield(run_in_threadpool(once.done, None))
        raise


class Once:
    """A request that may be sent again, by the key that its sender gave it."""

    def __init__(self, service: Service, key: Key, token: str, request: Sequence[bytes]) -> None:
        """Name a request by its token and what it holds.

        Raises:
            UsageError: the token is too long.
        """
        if len(token) > LONGEST:
            raise UsageError("The Idempotency-Key is too long.", hint=f"At most {LONGEST} characters.")
        digest = hashlib.sha256()
        for part in request:
            digest.update(len(part).to_bytes(8, "big") + part)
        self._service, self._owner, self._token = service, (key.id, token), token
        self._request = digest.hexdigest()

    def begin(self) -> Person | None:
        """Who was enrolled when the same request came before; None for one that is to be done now.

        Raises:
            UsageError: another request had that token.
            Overloaded: the same request is being done.
            NoSuchPerson: they were erased since.
            ChangeUncertain: nobody knows whether it was done then, so it is not done again.
        """
        if not self._token:
            return None
        self._catch_up()
        with self._service.ledger.transaction() as database:
            new = database.execute(
                "INSERT OR IGNORE INTO answered (key_id, token, request, at) VALUES (?, ?, ?, ?)",
                (*self._owner, self._request, now()),
            ).rowcount
            request, person_id = database.execute(
                "SELECT request, person_id FROM answered WHERE key_id = ? AND token = ?", self._owner
            ).fetchone()
        if request != self._request:
            raise UsageError(
                "The Idempotency-Key was used for another request.", hint="Give each request its own."
            )
        if new:
            return None
        if person_id is None:
            raise Overloaded("The same request is being done.", hint="Try again in a second.", retry_after=1)
        if person_id == UNCERTAIN:
            raise ChangeUncertain("The same request came before, and its end was not heard of.")
        return self._service.recognizer.store.person(person_id)

    def keep(self, person_id: int) -> None:
        """``done`` for what stands, or may stand."""
        self._remember(person_id)

    def done(self, person: Person | None) -> None:
        """Remember the answer, by number, so that nothing of it is left when they are erased.

        None forgets the request, which failed, unless it was answered all the same.
        """
        self._remember(None if person is None else person.id)

    def _remember(self, person_id: int | None) -> None:
        """Write down how it ended, even should the service's file fail just then.

        Told of that, who asked would send it again, and enrol twice; so it goes into the log. Until the
        file takes it, the request is one that is being done: it is written when the same one comes.
        """
        late = self._service.late
        try:
            self._answer(person_id)
        except GalleryUnavailable as error:
            log.error("an answer is not remembered: key %d\n%s", self._owner[0], faults.told(error))
            if person_id is None:
                # Who asked may have gone while it was being done, and it was done all the same.
                late.setdefault(self._owner, partial(self._answer, None))
            else:
                late[self._owner] = partial(self._answer, person_id)

    def _catch_up(self) -> None:
        """Write what the file did not take of the request when it ended.

        Raises:
            GalleryUnavailable: it still takes nothing.
        """
        # Taken out first: of two who come at once the later must not undo what the other has begun.
        late = self._service.late.pop(self._owner, None)
        if late is None:
            return
        try:
            late()
        except GalleryUnavailable:
            self._service.late[self._owner] = late
            raise

    def _answer(self, person_id: int | None) -> None:
        if not self._token:
            return
        with self._service.ledger.transaction() as database:
            if person_id is None:
                database.execute(
                    "DELETE FROM answered WHERE key_id = ? AND token = ? AND person_id IS NULL", self._owner
                )
            else:
                # Its row may be gone: another service that starts on the same file clears such rows.
                database.execute(
                    "INSERT OR REPLACE INTO answered (key_id, token, request, person_id, at) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (*self._owner, self._request, person_id, now()),
                )
