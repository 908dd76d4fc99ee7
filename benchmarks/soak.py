"""Memory of the service over many requests.

    python -m benchmarks.soak --data PATH_TO_LFW --json docs/results/soak.json

What it measures does not depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.load import load
from benchmarks.origin import origin
from benchmarks.pictures import PEOPLE, small
from benchmarks.served import serving
from firstsight.datasets import open_lfw
from firstsight.files import write_whole

SEED: Final = 0
CLIENTS: Final = 4
"""As many as the service takes on two cores for as long as they like."""
LOOKS: Final = 20
"""At the memory; the first, after the same share of the requests, is the one that others are held to."""
console = Console(stderr=True)


def main() -> None:
    """Ask, look at the memory, and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="folder of LFW's archive and lists")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=20_000)
    options = parser.parse_args()
    lfw = open_lfw(options.data).identities
    seen: list[float] = []
    refused = lost = 0
    part = options.requests // LOOKS
    with serving(lfw) as served:
        asking = served.asking(small(lfw))
        for look in range(LOOKS):
            found = load(served.address, asking, CLIENTS, answers=part)
            refused += sum(found.statuses.values()) - found.statuses.get(200, 0)
            lost += found.asked - found.answered
            seen.append(resident(served.pid))
            console.print(f"{(look + 1) * part} requests: {seen[-1]:.0f} MB")
    values = {
        "protocol": "soak",
        "rule": "Resident memory of the service, looked at after each twentieth of the requests.",
        "memory_at_first": {"value": seen[0], "unit": "MB"},
        "memory_at_last": {"value": seen[-1], "unit": "MB"},
        "growth": {"value": seen[-1] / seen[0] - 1, "unit": "%"},
        "most": {"value": max(seen) / seen[0] - 1, "unit": "%"},
        "refused": {"value": refused, "unit": ""},
        "lost": {"value": lost, "unit": ""},
        "settings": {"people": PEOPLE, "requests": options.requests, "clients": CLIENTS},
        "looks": seen,
        "provenance": origin(lfw, SEED),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def resident(pid: int) -> float:
    """Resident memory in 10^6 bytes."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    kilobytes = re.search(r"VmRSS:\s+(\d+) kB", text)
    return int(kilobytes[1]) * 1024 / 1e6 if kilobytes else float("nan")


if __name__ == "__main__":
    main()
