"""What the tests of the service are made of: keys, services, zips, and a wait for what threads do."""

from __future__ import annotations

import asyncio
import io
import threading
import zipfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from tests.gallery.gallery_makers import units

from firstsight.gallery import NewTemplate, Person
from firstsight.recognizer import Recognizer
from firstsight.service import Settings
from firstsight.service.keys import Key
from firstsight.service.ledger import Ledger
from firstsight.service.state import Service, open_service

DESK = Key(1, "desk", "write", "2026-01-01T00:00:00+00:00", None)
DOOR = Key(2, "door", "read", "2026-01-01T00:00:00+00:00", None)
PATIENCE = 10.0
"""Seconds after which a test gives up."""


def service_over(recognizer: Recognizer, ledger: Ledger, settings: Settings | None = None) -> Service:
    """A service without HTTP."""
    return open_service(recognizer, ledger, settings or Settings())


def add_person(service: Service, name: str, retain_until: date | None = None) -> Person:
    """Somebody with one template, of no photo."""
    dimension = service.recognizer.encoder.model.dimension
    (embedding,) = units(1, len(name), dimension)
    new = [NewTemplate(embedding, "1.jpg", 0.75, None)]
    return service.recognizer.store.add(name, new, retain_until=retain_until)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of those files."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


def held_add(service: Service, monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Additions wait: set once one has begun, and to be set to let it go on."""
    store = service.recognizer.store
    add, begun, go = store.add, threading.Event(), threading.Event()

    def slowly(*args: Any, **options: Any) -> Person:
        begun.set()
        go.wait(PATIENCE)
        return add(*args, **options)

    monkeypatch.setattr(store, "add", slowly)
    return begun, go


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another task or thread does."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.002)
