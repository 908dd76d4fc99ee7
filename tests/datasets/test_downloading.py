from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from firstsight.datasets.downloading import PUBLISHED, TRIES, Remote, fetch
from firstsight.errors import DataError

CONTENT = np.random.default_rng(0).bytes(200_000)
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
HTTP = frozenset({"http"})


class Server(ThreadingHTTPServer):
    """Serves CONTENT, as badly as a test asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, str]] = []
        self.cuts: list[int] = []
        """Bytes after which the next answers are cut."""
        self.ranges = True
        self.length = True
        self.status = 200
        self.location = ""
        self.stall = threading.Event()
        self.stall.set()

    def remote(self, digest: str = DIGEST, limit: int = 1 << 20) -> Remote:
        return Remote(f"http://127.0.0.1:{self.server_port}/at/data.zip", digest, limit)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        if self.server.location:
            self.send_response(302)
            self.send_header("Location", self.server.location)
            self.end_headers()
            return
        start = int(self.headers.get("Range", "bytes=0-")[6:-1]) if self.server.ranges else 0
        status = 206 if start else self.server.status
        self.send_response(416 if start >= len(CONTENT) else status)
        body = CONTENT[start:]
        if self.server.length:
            self.send_header("Content-Length", str(len(body)))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        self.wfile.write(body[: self.server.cuts.pop(0) if self.server.cuts else None])
        self.wfile.flush()
        self.server.stall.wait(10)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.stall.set()
        made.shutdown()
        thread.join()


def got(server: Server, folder: Path, remote: Remote | None = None, timeout: float = 5) -> bytes:
    wanted = remote or server.remote()
    path = fetch(wanted, folder, schemes=HTTP, timeout=timeout, pause=0)
    assert path == folder / "data.zip"
    assert [one.name for one in folder.iterdir()] == ["data.zip"]
    return path.read_bytes()


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    remote = server.remote()
    fetch(remote, tmp_path / "new", schemes=HTTP, progress=lambda *step: told.append(step))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(told) == told
    assert server.asked[0]["User-Agent"].startswith("firstsight")
    assert got(server, tmp_path / "new") == CONTENT
    assert len(server.asked) == 1
    (tmp_path / "new" / "data.zip").write_bytes(b"another")
    assert got(server, tmp_path / "new") == CONTENT


def test_a_cut_connection_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    server.cuts = [70_000, 0, 1, 65_536]
    assert got(server, tmp_path) == CONTENT
    assert [one.get("Range") for one in server.asked] == [
        None,
        "bytes=70000-",
        "bytes=70000-",
        "bytes=70001-",
        "bytes=135537-",
    ]


def test_an_interrupted_run_is_gone_on_with(server: Server, tmp_path: Path) -> None:
    (tmp_path / "data.zip.part").write_bytes(CONTENT[:1234])
    assert got(server, tmp_path) == CONTENT
    assert [one["Range"] for one in server.asked] == ["bytes=1234-"]


def test_a_server_without_ranges_sends_it_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cuts = [50_000]
    (tmp_path / "data.zip.part").write_bytes(CONTENT[:1234])
    assert got(server, tmp_path) == CONTENT


@pytest.mark.parametrize("extra", [b"", b"more"])
def test_a_part_that_has_everything_or_more(server: Server, tmp_path: Path, extra: bytes) -> None:
    (tmp_path / "data.zip.part").write_bytes(CONTENT + extra)
    assert got(server, tmp_path) == CONTENT
    assert len(server.asked) == (2 if extra else 1)


def test_another_digest_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="digest differs"):
        got(server, tmp_path, server.remote(DIGEST[:-1] + "x"))
    assert not list(tmp_path.iterdir())


def test_a_part_of_something_else_is_removed_so_that_the_next_run_succeeds(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "data.zip.part").write_bytes(b"x" * 1000)
    with pytest.raises(DataError, match="digest differs"):
        got(server, tmp_path)
    assert got(server, tmp_path) == CONTENT


def test_a_connection_that_is_always_cut_ends_and_keeps_what_came(server: Server, tmp_path: Path) -> None:
    server.cuts = [10] * 100
    with pytest.raises(DataError, match=f"cut {TRIES} times"):
        got(server, tmp_path)
    assert (tmp_path / "data.zip.part").read_bytes() == CONTENT[: 10 * TRIES]


def test_a_server_that_is_gone(server: Server, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Remote(f"http://127.0.0.1:{free.getsockname()[1]}/data.zip", DIGEST)
        with pytest.raises(DataError, match="cannot be fetched") as raised:
            fetch(gone, tmp_path, schemes=HTTP, timeout=2)
    assert "--from" in raised.value.hint


def test_a_server_that_falls_silent(server: Server, tmp_path: Path) -> None:
    server.stall.clear()
    server.cuts = [0]
    with pytest.raises(DataError, match="cannot be fetched"):
        got(server, tmp_path, timeout=0.3)


def test_a_file_that_is_not_there_any_more(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match="answers 404"):
        got(server, tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize("length", [True, False])
def test_too_large_is_refused_and_removed(server: Server, tmp_path: Path, length: bool) -> None:
    server.length = length
    assert got(server, tmp_path, server.remote(limit=len(CONTENT))) == CONTENT
    (tmp_path / "data.zip").unlink()
    with pytest.raises(DataError, match="published file has less"):
        got(server, tmp_path, server.remote(limit=len(CONTENT) - 1))
    assert not list(tmp_path.iterdir())


def test_what_has_no_end_is_not_read_to_its_end(server: Server, tmp_path: Path) -> None:
    server.length = False
    told: list[int] = []
    with pytest.raises(DataError, match="published file has less"):
        fetch(server.remote(limit=1000), tmp_path, schemes=HTTP, progress=lambda done, _: told.append(done))
    assert len(told) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1/a.zip", "file:///etc/hostname", "ftp://127.0.0.1/a"])
def test_only_https_is_fetched(tmp_path: Path, address: str) -> None:
    with pytest.raises(DataError, match="only https"):
        fetch(Remote(address, DIGEST), tmp_path)


def test_a_server_cannot_send_us_on_to_another_scheme(server: Server, tmp_path: Path) -> None:
    server.location = "ftp://127.0.0.1/data.zip"
    with pytest.raises(DataError, match=r"ftp://.* is not fetched"):
        got(server, tmp_path)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        got(server, tmp_path / "file")


def test_the_published_files_are_the_ones_at_hand(shared_data: Path) -> None:
    """The two image archives of Omniglot and LFW's photos are packed anew there; the others are not."""
    for layout, remotes in PUBLISHED.items():
        assert all(remote.address.startswith("https://") for remote in remotes)
        for remote in remotes:
            if remote.name.endswith(".txt") or remote.name == "all_runs.zip":
                assert remote.matches(shared_data / layout / remote.name), remote.name
