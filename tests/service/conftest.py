"""A service that really listens, on a port of its own, with keys of every role."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn

from firstsight.recognizer import Encoder, Recognizer
from firstsight.service import Settings, keys
from firstsight.service.app import create_app
from firstsight.service.ledger import Ledger
from firstsight.service.state import Service


@dataclass(frozen=True)
class Served:
    """A running service."""

    url: str
    secrets: dict[str, str]
    recognizer: Recognizer
    ledger: Ledger
    folder: Path
    service: Service

    def http(self, role: str = "admin") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.secrets[role]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def serving(
    folder: Path, encoder: Encoder, settings: Settings, made: dict[str, str] | None = None
) -> Iterator[Served]:
    """A service of the gallery in a folder, with keys of its own, or those that were made before."""
    with (
        closing(Ledger(folder / "people.db.service")) as ledger,
        Recognizer(folder / "people.db", model=encoder) as recognizer,
    ):
        secrets = made or {role: keys.create(ledger, f"the {role} key", role) for role in keys.ROLES}
        app = create_app(recognizer, ledger, settings)
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False, ws="none")
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield Served(f"http://127.0.0.1:{port}", secrets, recognizer, ledger, folder, app.state.service)
        finally:
            server.should_exit = True
            thread.join(30)


@pytest.fixture
def served(tmp_path: Path, encoder: Encoder) -> Iterator[Served]:
    with serving(tmp_path, encoder, Settings()) as found:
        yield found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a service's file is made."""
    return tmp_path / "people.db.service"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """A service's file, without a service."""
    with closing(Ledger(path)) as opened:
        yield opened
