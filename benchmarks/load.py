"""So many clients that ask a service over the loopback address, and what came of it.

The clients are tasks of one process and send requests that were written beforehand, so that they take as
little of the machine as they can: what they do take is told, too. Who is refused waits as long as it is told
(``Retry-After``), then asks again. Who gets no answer at all connects anew.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

PATIENCE: Final = 120.0
"""Seconds to wait for an answer."""
WAIT: Final = 1.0
"""Seconds to wait when a refusal does not say how long, or no answer came."""
REFUSALS: Final = (429, 503)
"""Too many requests, and overloaded."""
IN_A_ROW: Final = 5
"""Requests that a client loses one after the other before it gives up: there is no service any more."""
BOUNDARY: Final = "a-line-that-no-photo-holds"


@dataclass(frozen=True, slots=True)
class Answer:
    """One that came, of any kind."""

    since: float
    """When it was asked for, and when it came."""
    until: float
    status: int
    wait: float | None
    """Seconds after which it says that one may come back; None where it does not say."""

    @property
    def clear(self) -> bool:
        """Whether who asked knows what to do: an answer, or a refusal that says when to come back."""
        return self.status == 200 or (self.status in REFUSALS and self.wait is not None)


@dataclass(frozen=True, slots=True)
class Load:
    """What came of so many clients, from the end of the warm-up on."""

    seconds: float
    latencies: tuple[float, ...]
    """Of the answers that were not refused, in seconds."""
    statuses: Mapping[int, int]
    asked: int
    """Requests that were sent, also those of the warm-up and of the end."""
    answered: int
    """How many of them got an answer of any kind: no dropped connection, and none that never came."""
    clear: int
    """How many of them got an answer, or a refusal that says when to come back."""
    share: float
    """Of one core, which the clients took."""

    @property
    def throughput(self) -> float:
        """Answers a second, refusals apart."""
        return len(self.latencies) / self.seconds

    def fields(self) -> dict[str, Any]:
        """As JSON; milliseconds."""
        times = [float(time) * 1e3 for time in np.percentile(self.latencies or (np.nan,), (50, 99))]
        median, late = times if self.latencies else (None, None)
        return {
            "throughput": self.throughput,
            "median_ms": median,
            "p99_ms": late,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "asked": self.asked,
            "answered": self.answered,
            "clear": self.clear,
            "seconds": self.seconds,
            "clients_share_of_a_core": self.share,
        }


def load(
    address: str,
    requests: Sequence[bytes],
    clients: int,
    seconds: float = math.inf,
    *,
    warm_up: float = 0.0,
    answers: float = math.inf,
) -> Load:
    """Each client asks as soon as its last answer has come.

    Args:
        address: of the service, ``http://...``.
        requests: sent one after the other, and again from the first on.
        clients: how many.
        seconds: for how long, after the warm-up.
        warm_up: seconds whose answers do not count.
        answers: until there are so many that were not refused.
    """
    return asyncio.run(_Run(address, requests, seconds, warm_up, answers).load(clients))


@dataclass(slots=True)
class _Run:
    address: str
    requests: Sequence[bytes]
    seconds: float
    warm_up: float
    wanted: float
    asked: int = 0
    answers: list[Answer] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    async def load(self, clients: int) -> Load:
        start = time.perf_counter() + self.warm_up
        used = time.process_time()
        tasks = [asyncio.create_task(self._client(start + self.seconds)) for _ in range(clients)]
        if self.warm_up:
            await asyncio.sleep(self.warm_up)
            used = time.process_time()
        await asyncio.gather(*tasks)
        end = min(start + self.seconds, time.perf_counter())
        used = time.process_time() - used
        counted = [answer for answer in self.answers if start <= answer.until < end]
        return Load(
            end - start,
            tuple(answer.until - answer.since for answer in counted if answer.status == 200),
            Counter(answer.status for answer in counted),
            self.asked,
            len(self.answers),
            sum(answer.clear for answer in self.answers),
            used / (end - start),
        )

    async def _client(self, end: float) -> None:
        connection = _Connection(self.address)
        lost = 0
        try:
            while time.perf_counter() < end and self.wanted > 0 and lost < IN_A_ROW:
                request = self.requests[next(self.numbers) % len(self.requests)]
                self.asked += 1
                # What is lost is counted, by not being among the answers: it must not end the benchmark.
                try:
                    async with asyncio.timeout(PATIENCE):
                        answer = await connection.ask(request)
                except (OSError, EOFError, ValueError, LookupError, asyncio.LimitOverrunError):
                    connection.close()
                    lost += 1
                    await asyncio.sleep(WAIT)
                    continue
                lost = 0
                self.answers.append(answer)
                if answer.status == 200:
                    self.wanted -= 1
                else:
                    await asyncio.sleep(WAIT if answer.wait is None else answer.wait)
        finally:
            connection.close()


class _Connection:
    """To the service, made when it is first needed and whenever the service has closed it since."""

    def __init__(self, address: str) -> None:
        self._place = urlsplit(address)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for what comes of it.

        Raises:
            OSError, EOFError, ValueError, LookupError, LimitOverrunError: no answer, or no whole one.
        """
        since = time.perf_counter()
        # A service may close what nobody used for a while: that loses nothing.
        if self._streams and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._place.hostname, self._place.port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        await reader.readexactly(int(lines["content-length"]))
        if lines.get("connection") == "close":
            self.close()
        wait = float(lines["retry-after"]) if "retry-after" in lines else None
        return Answer(since, time.perf_counter(), int(head[9:12]), wait)

    def close(self) -> None:
        """Leave it, if there is one."""
        if self._streams:
            self._streams[1].close()
        self._streams = None


def bare(path: str, photo: bytes, headers: Mapping[str, str]) -> bytes:
    """A request that carries nothing but a photo."""
    return _request(path, photo, {**headers, "Content-Type": "image/jpeg"})


def form(path: str, photo: bytes, name: str, texts: Mapping[str, str]) -> bytes:
    """A request that carries a photo of that name in a form, and texts."""
    parts = [f'name="{field}"\r\n\r\n{text}'.encode() for field, text in texts.items()]
    parts.append(f'name="{name}"; filename="photo.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'.encode() + photo)
    line = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(line + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()
    return _request(path, body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})


def _request(path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = {"Host": "127.0.0.1", **headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body
