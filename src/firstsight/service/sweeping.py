"""Retention: whoever's day has passed is erased, soon after the service starts and every hour."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, date, datetime

from starlette.concurrency import run_in_threadpool

from firstsight.errors import FirstsightError, NoSuchPerson
from firstsight.service.state import Service

log = logging.getLogger("firstsight.service")


def sweep(service: Service, today: date) -> int:
    """Erase everybody whose ``retain_until`` lies before today, and tell how many they were."""
    store, count = service.recognizer.store, 0
    for person in store.people():
        if person.retain_until is None or person.retain_until >= today:
            continue
        try:
            # By number, and as they are now: name and day may have changed meanwhile.
            now = store.person_of(person.id)
            if now.retain_until is None or now.retain_until >= today:
                continue
            store.erase(now.name)
        except NoSuchPerson:
            continue
        service.note(None, "retention", "erased", person_id=person.id)
        count += 1
    return count


async def sweep_forever(service: Service) -> None:
    """Sweep again and again; a gallery that cannot be used now is tried again next time."""
    while True:
        try:
            work = asyncio.ensure_future(run_in_threadpool(sweep, service, datetime.now(UTC).date()))
            try:
                count = await asyncio.shield(work)
            except asyncio.CancelledError:
                # Whoever ends it closes the files next: what is being erased must be written down first.
                await asyncio.wait([work])
                raise
            if count:
                log.info("retention: %d erased", count)
        except FirstsightError as error:
            log.warning("retention: %s", error.code)
        await asyncio.sleep(service.settings.sweep)
