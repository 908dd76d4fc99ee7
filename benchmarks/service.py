"""The service under load: one client at a time beside 8 and 32, overload, and memory over many requests.

    python -m benchmarks.service --data PATH_TO_LFW --json docs/results/service.json

The service runs as a process of its own, as `firstsight serve` starts it; clients ask it over the loopback
address, each as soon as its last answer has come.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import httpx
import numpy as np
from rich.console import Console

from benchmarks.origin import origin
from firstsight.datasets import Identities, open_lfw
from firstsight.evaluation import write_text

CLIENTS: Final = (1, 8, 32)
WIDE: Final = (1920, 1080)
PEOPLE: Final = 100
SOAK: Final = 20_000
CROWD: Final = 200
"""Clients that ask at once, beyond what is let wait."""
SEED: Final = 0
console = Console(stderr=True)


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


def main() -> None:
    """Run all of it and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=400, help="for each number of clients")
    parser.add_argument("--soak", type=int, default=SOAK, help="requests over which memory is watched")
    options = parser.parse_args()
    lfw = open_lfw(options.data).identities
    photos = {"250x250": small(lfw), "1920x1080": wide(lfw)}
    found: dict[str, Any] = {}
    with serving() as (address, key, process):
        headers = {"Authorization": f"Bearer {key}"}
        enrol(address, headers, lfw)
        for title, bodies in photos.items():
            asyncio.run(ask(address, headers, bodies, 1, 20))
            for clients in CLIENTS:
                console.print(f"{title}, {clients} clients")
                count = options.requests // (4 if clients == 1 else 1)
                load = asyncio.run(ask(address, headers, bodies, clients, count))
                found[f"{title}, {clients} clients"] = load.fields()
        console.print(f"{CROWD} clients at once")
        crowd = asyncio.run(ask(address, headers, photos["1920x1080"], CROWD, 4 * CROWD))
        found["crowd"] = crowd.fields() | {"asked": 4 * CROWD, "answered": sum(crowd.statuses.values())}
        console.print(f"{options.soak} requests for memory")
        found["memory"] = soak(address, headers, photos["250x250"], process, options.soak)
    ratios = {
        f"{title}: {name}": {"value": value, "unit": "x"}
        for title in photos
        for name, value in (
            (
                "throughput of 32 clients to one",
                found[f"{title}, 32 clients"]["throughput"] / found[f"{title}, 1 clients"]["throughput"],
            ),
            (
                "p99 of 32 clients to the median of one",
                found[f"{title}, 32 clients"]["p99_ms"] / found[f"{title}, 1 clients"]["median_ms"],
            ),
        )
    }
    values = {
        "protocol": "service",
        "rule": "The service as a process of its own, asked over the loopback address.",
        **ratios,
        "memory_growth": {"value": found["memory"]["growth"], "unit": "%"},
        "settings": {"people": PEOPLE, "requests": options.requests, "soak": options.soak},
        "loads": found,
        "provenance": origin(lfw, SEED),
    }
    write_text(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


@contextmanager
def serving() -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """Address, key and process of a service with an empty gallery."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "firstsight", "serve", "--gallery", f"{folder}/people.db", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            assert process.stderr is not None  # noqa: S101
            key = process.stdout.readline().split()[-1]
            found = re.search(r"http://[\d.]+:\d+", process.stderr.readline())
            if found is None:
                raise SystemExit("The service did not start.")
            yield found.group(0), key, process
        finally:
            process.terminate()
            process.wait(60)


def enrol(address: str, headers: dict[str, str], lfw: Identities) -> None:
    """The first photo of some people; who shows several faces is passed over."""
    with httpx.Client(base_url=address, headers=headers, timeout=60) as http:
        for name in list(lfw.pictures)[:PEOPLE]:
            content = lfw.archive.read(lfw.pictures[name][0])
            http.post("/v1/enroll", data={"name": name}, files={"photo": content})


def small(lfw: Identities) -> list[bytes]:
    """LFW's photos as they are."""
    return [lfw.archive.read(lfw.pictures[name][-1]) for name in list(lfw.pictures)[:PEOPLE]]


def wide(lfw: Identities) -> list[bytes]:
    """The same photos, as large as they fit into the middle of a screen, as JPEG."""
    bodies = []
    for content in small(lfw)[:20]:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        page = np.full((WIDE[1], WIDE[0], 3), 90, np.uint8)
        left = (WIDE[0] - WIDE[1]) // 2
        if picture is None:
            continue
        page[:, left : left + WIDE[1]] = cv2.resize(picture, (WIDE[1], WIDE[1]))
        bodies.append(cv2.imencode(".jpg", page)[1].tobytes())
    return bodies


async def ask(
    address: str, headers: dict[str, str], bodies: list[bytes], clients: int, requests: int
) -> Load:
    """So many requests by so many clients."""
    left = iter(range(requests))
    latencies: list[float] = []
    statuses: Counter[int] = Counter()

    async def client(http: httpx.AsyncClient) -> None:
        for number in left:
            began = time.perf_counter()
            body = bodies[number % len(bodies)]
            answer = await http.post("/v1/identify", content=body, headers={"Content-Type": "image/jpeg"})
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


def soak(
    address: str, headers: dict[str, str], bodies: list[bytes], process: subprocess.Popen[str], requests: int
) -> dict[str, float]:
    """Memory of the process after the first twentieth of the requests, and after all."""
    asyncio.run(ask(address, headers, bodies, 8, requests // 20))
    before = resident(process.pid)
    asyncio.run(ask(address, headers, bodies, 8, requests - requests // 20))
    after = resident(process.pid)
    return {"before_mb": before, "after_mb": after, "growth": after / before - 1}


def resident(pid: int) -> float:
    """Resident memory in 10^6 bytes."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    kilobytes = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(kilobytes[1]) * 1024 / 1e6 if kilobytes else float("nan")


if __name__ == "__main__":
    main()
