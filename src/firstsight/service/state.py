"""What all requests share, and who may make them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from firstsight.errors import ChangeUncertain, Forbidden, GalleryUnavailable
from firstsight.recognizer import Recognizer
from firstsight.service import audit, faults, keys, queries
from firstsight.service.budget import Budget
from firstsight.service.engine import Engine
from firstsight.service.jobs import Jobs
from firstsight.service.keys import Key
from firstsight.service.ledger import Ledger
from firstsight.service.metrics import Metrics
from firstsight.service.rates import Rates
from firstsight.service.settings import Settings

Noted = Callable[[str, int], None]
"""Takes what was done, in a word, and to whom."""
log = logging.getLogger("firstsight.service")
BEARER: Final = HTTPBearer(
    auto_error=False, scheme_name="key", description="A key of `firstsight keys create`."
)
"""Tells the description of the API about keys; it refuses nobody."""


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One gallery, one model, and what stands around them."""

    recognizer: Recognizer
    engine: Engine
    ledger: Ledger
    rates: Rates
    metrics: Metrics
    jobs: Jobs
    uploads: Budget
    """Of photos, from the first byte of a request to its answer."""
    imports: Budget
    """Of zips, from the first byte to the end of the import."""
    settings: Settings
    late: dict[tuple[int, str], Callable[[], None]] = field(default_factory=dict)
    """What the service's file did not take when a request ended, to be written when it is sent again."""

    def note(
        self,
        key: Key | None,
        action: str,
        decision: str,
        *,
        person_id: int | None = None,
        threshold: float | None = None,
        status: int = 200,
    ) -> None:
        """Into the audit log, and counted; ``status`` is that of the answer."""
        audit.note(
            self.ledger, key, action, decision, person_id=person_id, threshold=threshold, status=status
        )
        self.metrics.decided(decision)

    @contextmanager
    def change(
        self, key: Key | None, action: str, *, person_id: int | None = None, status: int = 200
    ) -> Iterator[Noted]:
        """Around a change of the gallery, which tells what was done to whom once it was.

        A change that could not be noted is not begun. One that stands is answered as such, even should
        the log fail just then: who is told of a failure tries again, and does it twice. Its lines are
        then in the service's own log. One of which nobody knows whether it stands is noted as that.

        Args:
            key: whose request it is; None for the service itself.
            action: what is done.
            person_id: to whom, where that is known before.
            status: of the answer.

        Raises:
            GalleryUnavailable: the audit log takes no line; nothing was changed.
        """
        audit.check(self.ledger)
        made: list[tuple[str, int | None]] = []
        try:
            yield lambda decision, number: made.append((decision, number))
        except ChangeUncertain as error:
            self._keep(key, action, made, status)
            made = [("uncertain", person_id)]
            status = error.http_status
            raise
        finally:
            # Also when a later part of the change failed: what was told by then stands.
            self._keep(key, action, made, status)

    def _keep(self, key: Key | None, action: str, made: list[tuple[str, int | None]], status: int) -> None:
        """Into the audit log, or else into the service's own."""
        try:
            if made:
                audit.note_each(self.ledger, key, action, made, status=status)
        except GalleryUnavailable as error:
            number = key.id if key else 0
            log.error("not in the audit log: key %d, %s, %s\n%s", number, action, made, faults.told(error))
        for decision, _ in made:
            self.metrics.decided(decision)


def open_service(recognizer: Recognizer, ledger: Ledger, settings: Settings) -> Service:
    """The parts put together; recognizer and ledger stay the caller's to close."""
    engine = Engine(recognizer.encoder, settings)
    return Service(
        recognizer,
        engine,
        ledger,
        Rates(settings.rate, settings.burst),
        Metrics(lambda: engine.line.depth),
        Jobs(settings.jobs),
        Budget(settings.upload_bytes, retry_after=1),
        Budget(settings.import_bytes, retry_after=30),
        settings,
    )


def service_of(request: Request) -> Service:
    """The service that a request is made to."""
    found: Service = request.app.state.service
    return found


async def served(request: Request) -> Service:
    """The same as a dependency, which FastAPI would ask in a thread if it were not async."""
    return service_of(request)


def needs(role: str) -> Callable[[Request, object], Awaitable[Key]]:
    """A dependency: the key of the request, which must have that role; its address must be meant."""

    # Not in a thread: the keys are few, and looking them up waits for nobody who reads or writes.
    async def key(request: Request, _: Annotated[object, Security(BEARER)]) -> Key:
        service = service_of(request)
        found = keys.check(service.ledger, request.headers.get("authorization", ""))
        service.rates.take(found.id)
        if not found.may(role):
            # The pattern, not the address: that may hold somebody's number.
            pattern = str(getattr(request.scope.get("route"), "path", ""))
            await run_in_threadpool(service.note, found, pattern, "refused", status=Forbidden.http_status)
            raise Forbidden(
                f"This needs a key with the role {role!r}; {found.name!r} has {found.role!r}.",
                hint=f"Make one: firstsight keys create NAME --role {role}",
            )
        # After that: without a key nobody learns what an address takes.
        queries.refuse_unknown(request)
        return found

    return key


Served = Annotated[Service, Depends(served)]
Reader = Annotated[Key, Depends(needs("read"))]
Writer = Annotated[Key, Depends(needs("write"))]
Admin = Annotated[Key, Depends(needs("admin"))]
