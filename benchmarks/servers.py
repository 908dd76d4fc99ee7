"""Galleries on servers beside one in a file: how fast they are filled and searched, and what is found.

    python -m benchmarks.servers --json docs/results/servers.json people.db 'milvus://host/near?index=hnsw'

Each is an address as ``--gallery`` takes it, of a gallery that is not there yet; it is made, filled with
templates that are made up, and left for you to remove. Random directions are the hardest case for an
index that approximates: nothing lies near anything.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.origin import made
from benchmarks.synthetic import CONTRACT, DIMENSION, PART, SEED, everybody, nearest, probes_of, units
from benchmarks.timing import Timing, figure, milliseconds
from firstsight.errors import FirstsightError, UsageError
from firstsight.files import write_whole
from firstsight.gallery import NewTemplate, Person, Store, Template, open_store

BATCH: Final = 64
ROUNDS: Final = 51
BATCHES: Final = 5
K: Final = 10
CLIENTS: Final = ("psycopg", "pymilvus")
MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)

console = Console(stderr=True)


def main() -> None:
    """Fill and search each gallery, and write the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.servers")
    parser.add_argument("galleries", nargs="+", metavar="GALLERY")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--templates", type=int, default=100_000)
    parser.add_argument(
        "--wait", type=float, default=60.0, help="seconds in which a server may end its index"
    )
    options = parser.parse_args()
    try:
        measured(options.galleries, options.templates, options.wait, options.json)
    except FirstsightError as error:
        parser.exit(1, f"{error}\n")


def measured(galleries: Sequence[str], templates: int, wait: float, answer: Path) -> None:
    """The figures of each gallery, one after the other.

    Raises:
        UsageError: there is such a gallery already.
    """
    rows = everybody(templates)
    probes = np.concatenate([probes_of(rows[: BATCH * BATCHES], SEED + 3), units(BATCH, SEED + 1)])
    wanted = nearest(probes, rows, K) + 1
    found = {}
    with ExitStack() as opened:
        stores = [
            (named(each), opened.enter_context(closing(open_store(each, CONTRACT, key=None))))
            for each in galleries
        ]
        for name, store in stores:
            if store.count_people():
                raise UsageError(
                    f"The gallery {name} has people already.", hint="Name one that is not there yet."
                )
        for name, store in stores:
            console.print(name)
            found[name] = one(store, rows, probes, wanted, wait)
    values = {
        "protocol": "servers",
        "rule": "One after the other; servers on the machine that asks them.",
        "galleries": found,
        "settings": {
            "templates": templates,
            "dimension": DIMENSION,
            "batch": BATCH,
            "nearest": K,
            "wait": wait,
        },
        "provenance": {"model": "random templates", **made(SEED, filter(find_spec, CLIENTS))},
    }
    write_whole(answer, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {answer}.")


def named(address: str) -> str:
    """What kind of gallery it is, without where."""
    parts = urlsplit(address)
    if "://" not in address:
        return "file"
    options = [text for text in parts.query.split("&") if text.partition("=")[0] in ("index", "ef")]
    return " ".join([parts.scheme, *options])


def one(
    store: Store,
    rows: NDArray[np.float32],
    probes: NDArray[np.float32],
    wanted: NDArray[np.int64],
    wait: float,
) -> dict[str, Any]:
    """Fill one and search it: probes (P, D), wanted (P, K) numbers of templates."""
    filling = milliseconds(lambda: fill(store, rows)) / 1000
    at_once = recall(store, probes, wanted)
    time.sleep(wait)
    later = recall(store, probes, wanted)
    alone = [
        milliseconds(lambda at=at: store.search(probes[at : at + 1], 1))  # type: ignore[misc]
        for at in range(ROUNDS)
    ]
    together = [
        milliseconds(lambda at=at: store.search(probes[at : at + BATCH], 1)) / BATCH  # type: ignore[misc]
        for at in range(0, BATCH * BATCHES, BATCH)
    ]
    return {
        "kept_per_second": figure(len(rows) / filling, "templates/s"),
        "best_found_at_once": figure(at_once[0], "%"),
        "nearest_found_at_once": figure(at_once[1], "%"),
        "best_found": figure(later[0], "%"),
        "nearest_found": figure(later[1], "%"),
        "timings": {"one": Timing.of(alone).as_json(), "batch_per_probe": Timing.of(together).as_json()},
    }


def fill(store: Store, rows: NDArray[np.float32]) -> None:
    """A person with one template for each row, kept part by part."""
    for start in range(0, len(rows), PART):
        store.take(
            [
                (
                    Person(number, f"Person {number}", MOMENT, "", None, "", 1),
                    [(Template(number, "", MOMENT, "", 1.0, False), NewTemplate(row))],
                )
                for number, row in enumerate(rows[start : start + PART], start=start + 1)
            ]
        )


def recall(store: Store, probes: NDArray[np.float32], wanted: NDArray[np.int64]) -> tuple[float, float]:
    """Shares of the probes whose best template is named first, and of all that should be among K."""
    answers = [[match.template_id for match in matches] for matches in store.search(probes, K)]
    first = np.mean(
        [bool(answer) and answer[0] == best for answer, best in zip(answers, wanted[:, 0], strict=True)]
    )
    among = np.mean(
        [len(set(answer) & set(row)) / K for answer, row in zip(answers, wanted.tolist(), strict=True)]
    )
    return float(first), float(among)


if __name__ == "__main__":
    main()
