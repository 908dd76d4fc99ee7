"""Retention: whoever's day has passed is erased, soon after the service starts and every hour.

So are the answers to requests that nobody will send again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from starlette.concurrency import run_in_threadpool

from firstsight.errors import FirstsightError, NoSuchPerson, UsageError
from firstsight.service import faults
from firstsight.service.state import Service

log = logging.getLogger("firstsight.service")


def sweep(service: Service, today: date) -> int:
    """Erase everybody whose ``retain_until`` lies before today, and tell how many they were."""
    store, count = service.recognizer.store, 0
    for person in store.people():
        if person.retain_until is None or person.retain_until >= today:
            continue
        with service.change(None, "retention", status=0) as noted:
            try:
                # By number, and by their day within the change: name and day may change up to then.
                store.erase(person.id, today=today)
            except (NoSuchPerson, UsageError):
                continue
            noted("erased", person.id)
        count += 1
    # Those of a large gallery are put off, also when somebody else has erased.
    store.clear()
    return count


def forget(service: Service, now: datetime) -> int:
    """Remove answers older than they are remembered, and tell how many they were."""
    oldest = (now - timedelta(seconds=service.settings.remembered)).isoformat(timespec="seconds")
    with service.ledger.transaction() as database:
        return database.execute("DELETE FROM answered WHERE at < ?", (oldest,)).rowcount


async def sweep_forever(service: Service) -> None:
    """Sweep again and again; a gallery that cannot be used now is tried again next time."""
    while True:
        work = asyncio.ensure_future(run_in_threadpool(_both, service, datetime.now(UTC)))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            # Whoever ends it closes the files next: what is being erased must be written down first.
            await asyncio.wait([work])
            raise
        await asyncio.sleep(service.settings.sweep)


def _both(service: Service, now: datetime) -> None:
    """Neither waits for the other's troubles, and none of them ends the sweeping."""
    tasks: tuple[tuple[str, Callable[[], int]], ...] = (
        ("retention: %d erased", lambda: sweep(service, now.date())),
        ("answered requests: %d forgotten", lambda: forget(service, now)),
    )
    for told, task in tasks:
        try:
            if count := task():
                log.info(told, count)
        except FirstsightError as error:
            log.warning("sweeping: %s", error.code)
        except Exception as error:
            log.error("sweeping failed\n%s", faults.told(error))
