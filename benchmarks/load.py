"""So many clients that ask a service over the loopback address, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

Asked = Callable[[httpx.AsyncClient, bytes], Any]
"""Sends one photo, and gives what is awaited for its answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of so many clients."""

    seconds: float
    latencies: tuple[float, ...]
    """Of the answers that were not refused, in seconds."""
    statuses: dict[int, int]

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
        }


def load(
    address: str,
    asked: Asked,
    bodies: Sequence[bytes],
    clients: int,
    requests: int,
    *,
    headers: dict[str, str] | None = None,
) -> Load:
    """Each client asks as soon as its last answer has come, until all requests were made."""
    return asyncio.run(_load(address, asked, bodies, clients, requests, headers or {}))


async def _load(
    address: str, asked: Asked, bodies: Sequence[bytes], clients: int, requests: int, headers: dict[str, str]
) -> Load:
    left = iter(range(requests))
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    async def client(http: httpx.AsyncClient) -> None:
        for number in left:
            began = time.perf_counter()
            answer = await asked(http, bodies[number % len(bodies)])
            statuses[answer.status_code] += 1
            if answer.status_code == 200:
                latencies.append(time.perf_counter() - began)
            else:
                # As it was told.
                await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))

    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=120, limits=limits) as http:
        began = time.perf_counter()
        await asyncio.gather(*(client(http) for _ in range(clients)))
        return Load(time.perf_counter() - began, tuple(latencies), dict(statuses))


async def identify(http: httpx.AsyncClient, photo: bytes) -> httpx.Response:
    """Who is in a photo, asked of ours."""
    return await http.post("/v1/identify", content=photo, headers={"Content-Type": "image/jpeg"})
