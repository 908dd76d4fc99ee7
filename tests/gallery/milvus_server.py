"""A real Milvus server for the tests, which nobody but this machine can reach.

The server listens on every address whatever its settings say. So it runs in a network of its own
that has nothing but a loopback; a socket in a folder leads into it, and a port of 127.0.0.1 to that.

Run as ``python milvus_server.py inside SOCKET PORT PROGRAM FOLDER`` in that network, and
``python milvus_server.py outside SOCKET PORT`` before it; each ends when its input does.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

STARTING = 120
"""Seconds that it may take to start, on a machine with much else to do."""
Opening = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class MilvusServer:
    """A server that can be killed and started again."""

    def __init__(self, program: Path, folder: Path, port: int) -> None:
        gate = folder / "gate"
        self.port = _free_port()
        self.address = f"127.0.0.1:{self.port}"
        network = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--"]
        inside = ["inside", str(gate), str(port), str(program), str(folder)]
        outside = ["outside", str(gate), str(self.port)]
        self._inside, self._outside = (
            subprocess.Popen(
                [*prefix, sys.executable, __file__, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for prefix, arguments in ((network, inside), ([], outside))
        )
        self._server = 0

    def start(self) -> None:
        """Start it and wait until it answers."""
        from pymilvus import MilvusClient, MilvusException

        assert self._inside.stdin
        assert self._inside.stdout
        self._inside.stdin.write("start\n")
        self._inside.stdin.flush()
        self._server = int(self._inside.stdout.readline())
        until = time.monotonic() + STARTING
        while True:
            try:
                client = MilvusClient(f"http://{self.address}", timeout=2, dedicated=True)
                client.list_collections(timeout=2)
                client.close()
                return
            except MilvusException:
                assert time.monotonic() < until, "the Milvus server does not start"
                time.sleep(0.2)

    def kill(self) -> None:
        """As a power cut would."""
        os.kill(self._server, signal.SIGKILL)
        assert self._inside.stdout
        assert self._inside.stdout.readline() == "ended\n"

    def end(self) -> None:
        for process in (self._inside, self._outside):
            assert process.stdin
            assert process.stdout
            process.stdin.close()
            process.wait(timeout=20)
            process.stdout.close()


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    """The server, started once."""
    milvus = pytest.importorskip("milvus", reason="milvus is not installed: no real server is tested")
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: no gallery in Milvus is tested")
    if not shutil.which("unshare") or subprocess.run(["unshare", "-rn", "true"], check=False).returncode:
        pytest.skip("no network can be closed off here: no real Milvus server is tested")
    folder = tmp_path_factory.mktemp("milvus-server")
    settings = milvus.MilvusServerConfig(data_dir=str(folder))
    settings.set("proxy.timeTickInterval", 50)  # reads that see all writes wait for the next tick
    settings.resolve()
    milvus._initialize_data_files(str(folder))
    server = MilvusServer(folder / "bin" / "milvus", folder, settings.get("proxy_port"))
    try:
        server.start()
        yield server
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _inside(gate: str, port: int, program: str, folder: str) -> None:
    """Serve the gate, and start the server whenever a line comes."""
    with socket.socket() as control:  # the loopback is there, but down
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))
    _serve(
        lambda handle: asyncio.start_unix_server(handle, gate),
        lambda: asyncio.open_connection("127.0.0.1", port),
    )
    environment = os.environ | {
        "DEPLOY_MODE": "STANDALONE",
        "LD_LIBRARY_PATH": str(Path(program).parent),
        "MILVUS_RUN_DIR": str(Path(folder) / "run"),
    }
    server: subprocess.Popen[bytes] | None = None
    try:
        for _ in sys.stdin:
            with (Path(folder) / "logs" / "server.log").open("ab") as log:
                server = subprocess.Popen(
                    [program, "run", "standalone"], cwd=folder, env=environment, stdout=log, stderr=log
                )
            _say(str(server.pid))
            threading.Thread(target=_tell_end, args=(server,), daemon=True).start()
    finally:
        if server and server.poll() is None:
            server.kill()
            server.wait()


def _tell_end(server: subprocess.Popen[bytes]) -> None:
    server.wait()
    with contextlib.suppress(BrokenPipeError):
        _say("ended")


def _outside(gate: str, port: int) -> None:
    """Lead a port of this machine to the gate."""
    _serve(
        lambda handle: asyncio.start_server(handle, "127.0.0.1", port),
        lambda: asyncio.open_unix_connection(gate),
    )
    sys.stdin.read()


def _serve(listen: Callable[..., Awaitable[asyncio.AbstractServer]], opening: Opening) -> None:
    """Lead connections on, in a thread of its own."""

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await opening()
        except OSError:
            writer.close()
            return
        await asyncio.gather(pour(reader, back), pour(there, writer))

    async def run() -> None:
        await (await listen(handle)).serve_forever()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    role, gate, port, *rest = sys.argv[1:]
    if role == "inside":
        _inside(gate, int(port), *rest)
    else:
        _outside(gate, int(port))
