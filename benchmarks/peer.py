"""``verifyface``'s own FastAPI service on a free port, for ``benchmarks.service``.

Its endpoints are installed as its documentation says; it prints its address once it listens.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import httpx

from benchmarks.load import form
from firstsight.datasets import Identities

NAME: Final = "somebody"


@contextmanager
def peer(lfw: Identities) -> Iterator[str]:
    """Address of the peer as a process of its own, with one person enrolled."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "benchmarks.peer", folder], stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            address = process.stdout.readline().strip()
            content = lfw.archive.read(next(iter(lfw.pictures.values()))[0])
            with httpx.Client(base_url=address, timeout=60) as http:
                answer = http.post("/face/enroll", data={"name": NAME}, files={"files": content})
                answer.raise_for_status()
            yield address
        finally:
            process.terminate()
            process.wait(60)


def asking(photos: Sequence[bytes]) -> list[bytes]:
    """Whether each photo shows the person who is enrolled."""
    return [form("/face/verify", photo, "file", {"name": NAME}) for photo in photos]


def main() -> None:
    """Serve until terminated."""
    import uvicorn
    from fastapi import FastAPI
    from verifyface import Verifier
    from verifyface.integrations.fastapi_ext import install

    app = FastAPI()
    install(app, verifier=Verifier(vault=sys.argv[1]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listening])


if __name__ == "__main__":
    main()
