"""What all requests share, and who may make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from firstsight.errors import Forbidden
from firstsight.recognizer import Recognizer
from firstsight.service import audit, keys
from firstsight.service.engine import Engine
from firstsight.service.jobs import Jobs
from firstsight.service.keys import Key
from firstsight.service.ledger import Ledger
from firstsight.service.metrics import Metrics
from firstsight.service.rates import Rates
from firstsight.service.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One gallery, one model, and what stands around them."""

    recognizer: Recognizer
    engine: Engine
    ledger: Ledger
    rates: Rates
    metrics: Metrics
    jobs: Jobs
    settings: Settings

    def note(
        self,
        key: Key | None,
        action: str,
        decision: str,
        *,
        person_id: int | None = None,
        threshold: float | None = None,
    ) -> None:
        """Into the audit log, and counted."""
        audit.note(self.ledger, key, action, decision, person_id=person_id, threshold=threshold)
        self.metrics.decided(decision)


def open_service(recognizer: Recognizer, ledger: Ledger, settings: Settings) -> Service:
    """The parts put together; recognizer and ledger stay the caller's to close."""
    engine = Engine(recognizer.encoder, settings)
    return Service(
        recognizer,
        engine,
        ledger,
        Rates(settings.rate, settings.burst),
        Metrics(lambda: engine.depth),
        Jobs(settings.jobs),
        settings,
    )


def service_of(request: Request) -> Service:
    """The service that a request is made to."""
    found: Service = request.app.state.service
    return found


def needs(role: str) -> Callable[[Request], Key]:
    """A dependency: the key of the request, which must have that role."""

    def key(request: Request) -> Key:
        service = service_of(request)
        found = keys.check(service.ledger, request.headers.get("authorization", ""))
        service.rates.take(found.id)
        if not found.may(role):
            # The pattern, not the address: that may hold somebody's number.
            service.note(found, str(getattr(request.scope.get("route"), "path", "")), "refused")
            raise Forbidden(
                f"This needs a key with the role {role!r}; {found.name!r} has {found.role!r}.",
                hint=f"Make one: firstsight keys create NAME --role {role}",
            )
        return found

    return key


Served = Annotated[Service, Depends(service_of)]
Reader = Annotated[Key, Depends(needs("read"))]
Writer = Annotated[Key, Depends(needs("write"))]
Admin = Annotated[Key, Depends(needs("admin"))]
