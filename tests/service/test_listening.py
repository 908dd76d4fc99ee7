from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from starlette.types import Receive, Scope, Send
from tests.service.service_makers import PATIENCE

from firstsight.errors import UsageError
from firstsight.service import listening as module
from firstsight.service.listening import address, listen, server

DRIP = 0.02
"""Seconds from one byte to the next."""
POST = b"POST /unread HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n"
UNREAD = b'{"unread": 0}'
LARGE = 12 * 2**20
"""Bytes of an answer, more than what the systems of both sides keep between them."""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_are_not_held_back(host: str) -> None:
    try:
        listening = listen(host, 0)
    except UsageError:
        pytest.skip(f"{host} is not of this machine")
    with closing(listening):
        port = listening.getsockname()[1]
        assert address(listening) == f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        with socket.create_connection((host, port)), closing(listening.accept()[0]) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_told() -> None:
    with closing(listen("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot be listened on"):
        listen("127.0.0.1", taken.getsockname()[1])


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers without reading the body, or after all of it; or at length."""
    if scope["type"] != "http":
        return
    if scope["path"] != "/unread":
        while (await receive()).get("more_body"):
            pass
    body = bytes(LARGE) if scope["path"] == "/large" else UNREAD
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def connected() -> Iterator[socket.socket]:
    """A connection to the server that the service runs in."""
    with closing(listen("127.0.0.1", 0)) as listening:
        running = server(app)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with socket.create_connection(listening.getsockname()[:2], timeout=PATIENCE) as connection:
                yield connection
        finally:
            running.should_exit = True
            thread.join(30)


def answer(connection: socket.socket) -> None:
    """Take one answer."""
    got = b""
    while not got.endswith(UNREAD):
        piece = connection.recv(1000)
        assert piece, "closed without an answer"
        got += piece
    assert got.startswith(b"HTTP/1.1 401 ")


def is_closed(connection: socket.socket, byte: bytes) -> bool:
    """Whether it is closed to somebody who goes on sending a byte now and then."""
    connection.settimeout(DRIP)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if byte:
                connection.send(byte)
            if connection.recv(1000) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nX: "], ids=["nothing", "half a head"])
@pytest.mark.parametrize("byte", [b"", b"x"], ids=["silence", "drops"])
def test_who_never_sends_all_of_a_head_is_let_go(
    monkeypatch: pytest.MonkeyPatch, begun: bytes, byte: bytes
) -> None:
    monkeypatch.setattr(module, "HEAD", 0.3)
    with connected() as connection:
        connection.sendall(begun)
        assert is_closed(connection, byte)


def test_nor_that_of_a_further_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD", 0.3)
    with connected() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        answer(connection)
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert is_closed(connection, b"x")


def test_who_sends_a_body_for_ever_that_was_answered_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.3)
    with connected() as connection:
        connection.sendall(POST)
        answer(connection)
        assert is_closed(connection, b"x")


def test_who_sends_all_of_it_late_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the time between requests nor that of a body counts as a head's."""
    monkeypatch.setattr(module, "HEAD", 0.6)
    with connected() as connection:
        for path in ("/unread", "/read"):
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\na".encode())
            if path == "/unread":
                answer(connection)
            time.sleep(0.9)
            connection.sendall(b"b")
            if path == "/read":
                answer(connection)
            time.sleep(0.9)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        answer(connection)


def asks_at_length(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n")


def test_who_takes_nothing_of_an_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED", 0.3)
    with connected() as connection:
        asks_at_length(connection)
        until = time.monotonic() + PATIENCE
        with pytest.raises(OSError, match=r"(?i)reset|pipe"):
            while time.monotonic() < until:
                connection.send(b"x")  # what nobody hears any more is refused
                time.sleep(DRIP)


def test_who_takes_it_slowly_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALLED", 1.0)
    with connected() as connection:
        asks_at_length(connection)
        left = LARGE
        while left > 0:
            piece = connection.recv(200_000)
            assert piece, f"closed with {left} bytes to come"
            left -= len(piece)
            time.sleep(0.02)


def whole_answer(connection: socket.socket) -> tuple[bytes, dict[bytes, bytes], dict[str, str]]:
    """Its first line, its headers, and the error in it; up to the end of the connection or of the body."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(4096)
        assert piece, got
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    while len(body) < int(headers[b"content-length"]):
        piece = connection.recv(4096)
        assert piece, got
        body += piece
    error: dict[str, str] = json.loads(body)["error"]
    assert set(error) == {"code", "message", "hint", "request_id"}
    assert error["request_id"] == headers[b"x-request-id"].decode()
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-content-type-options"] == b"nosniff"
    return first, headers, error


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"nothing of the kind\r\n\r\n",
    ],
    ids=["no host", "no length", "two lengths", "no http"],
)
def test_what_is_no_http_is_told_so_in_the_one_form_of_errors(said: bytes) -> None:
    with connected() as connection:
        connection.sendall(said)
        first, headers, error = whole_answer(connection)
        assert first.startswith(b"HTTP/1.1 400 ")
        assert error["code"] == "body_malformed"
        assert headers[b"connection"] == b"close"
        assert connection.recv(1) == b""


def test_when_all_connections_are_in_use_one_is_told_when_to_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
    with connected() as connection:
        monkeypatch.setattr(module, "CONNECTIONS", 1)
        connection.sendall(asks)
        first, headers, error = whole_answer(connection)
        assert first.startswith(b"HTTP/1.1 503 ")
        assert (error["code"], headers[b"retry-after"]) == ("overloaded", b"1")
        # The connection stays, and is served as soon as there is room.
        monkeypatch.setattr(module, "CONNECTIONS", 2)
        connection.sendall(asks)
        answer(connection)
