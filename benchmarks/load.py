"""So many clients that ask a service over the loopback address, and what came of it.

The clients are tasks of one process and send requests that were written beforehand, so that they take as
little of the machine as they can: what they do take is told, too. Who is refused waits as long as it is told
(``Retry-After``), then asks again.
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
"""Seconds to wait when a refusal does not say how long."""
BOUNDARY: Final = "a-line-that-no-photo-holds"


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
    """How many of them got an answer of any kind."""
    share: float
    """Of one core, which the clients took."""

    @property
    def throughput(self) -> float:
        """Answers a second, refusals apart."""
        return len(self.latencies) / self.seconds

    def fields(self) -> dict[str, Any]:
        """As JSON; milliseconds."""
        median, late = np.percentile(self.latencies, (50, 99)) * 1e3
        return {
            "throughput": self.throughput,
            "median_ms": float(median),
            "p99_ms": float(late),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "asked": self.asked,
            "answered": self.answered,
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
    answers: list[tuple[float, float, int]] = field(default_factory=list)
    """When each began and ended, and its status."""
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
        counted = [answer for answer in self.answers if start <= answer[1] < end]
        return Load(
            end - start,
            tuple(then - since for since, then, status in counted if status == 200),
            Counter(status for _, _, status in counted),
            self.asked,
            len(self.answers),
            used / (end - start),
        )

    async def _client(self, end: float) -> None:
        place = urlsplit(self.address)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            while (since := time.perf_counter()) < end and self.wanted > 0:
                writer.write(self.requests[next(self.numbers) % len(self.requests)])
                self.asked += 1
                async with asyncio.timeout(PATIENCE):
                    status, wait = await _answer(reader)
                self.answers.append((since, time.perf_counter(), status))
                if status == 200:
                    self.wanted -= 1
                else:
                    await asyncio.sleep(wait)
        finally:
            writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, float]:
    """The status of an answer, and the seconds after which it says that one may come back."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(lines["content-length"]))
    return int(head[9:12]), float(lines.get("retry-after", WAIT))


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
