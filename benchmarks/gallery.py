"""A large gallery in one file: opened cold, searched, added to and erased from, beside numpy and faiss.

    python -m benchmarks.gallery --json docs/results/gallery.json

A synthetic gallery is made at a temporary path, one template a person. What is measured happens in a
process of its own, begun after the file has left the system's cache. Its memory is what it holds more
than a Python without anything loaded: ``anonymous`` is its own, ``resident`` is with the pages of
torch's libraries, which every process that loads them shares.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

THREADS: Final = 2
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(THREADS)


def held() -> dict[str, float]:
    """This process's memory in MB (10^6 bytes)."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    kept = {"VmRSS": "resident", "RssAnon": "anonymous", "VmHWM": "peak"}
    return {
        kept[name]: 1024 * int(value.split()[0]) / 1e6
        for name, _, value in (line.partition(":") for line in lines)
        if name in kept
    }


BARE: Final = held()

import numpy as np  # noqa: E402 - the memory before it is asked for first
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from rich.console import Console  # noqa: E402

from benchmarks.synthetic import CONTRACT, DIMENSION, PART, SEED, everybody, nearest, probes_of, units  # noqa: E402
from benchmarks.timing import compare  # noqa: E402
from firstsight.evaluation.provenance import machine, moment, versions  # noqa: E402
from firstsight.files import write_whole  # noqa: E402
from firstsight.gallery import NewTemplate, Store, open_store  # noqa: E402

BATCH: Final = 64
ROUNDS: Final = 51
BATCHES: Final = 5
DAY: Final = "2026-01-01T00:00:00+00:00"

console = Console(stderr=True)


def main() -> None:
    """Make the gallery, measure it in another process, and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--templates", type=int, default=1_000_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        options.json.write_text(json.dumps(measured(options.measure, options.templates)), "utf-8")
        return
    with tempfile.TemporaryDirectory() as folder:
        path, answer = Path(folder) / "people.db", Path(folder) / "figures.json"
        console.print(f"Making {options.templates} templates.")
        make(path, options.templates)
        forget(path)
        asked = ["--measure", str(path), "--json", str(answer), "--templates", str(options.templates)]
        subprocess.run([sys.executable, "-m", "benchmarks.gallery", *asked], check=True)  # noqa: S603 - ourselves
        values: dict[str, Any] = json.loads(answer.read_text("utf-8"))
    values["import_torch"] = milliseconds(started("import torch") - started(""))
    values["provenance"] = {
        "model": "random templates",
        "seed": SEED,
        "machine": machine(),
        "made": moment(),
        **{f"version_{name}": value for name, value in versions().items()},
        **({"version_faiss-cpu": values.pop("faiss")} if values["faiss"] else {}),
    }
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"Written to {options.json}.")


def started(program: str) -> float:
    """Seconds that a Python of its own takes for a program."""
    return timed(lambda: subprocess.run([sys.executable, "-c", program], check=True))[1]  # noqa: S603 - ours


def make(path: Path, templates: int) -> None:
    """A gallery of so many people with one template each, written past the store for speed."""
    open_store(path, CONTRACT, key=None).close()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN")
    for start in range(0, templates, PART):
        rows = units(min(PART, templates - start), SEED + start)
        numbers = range(start + 1, start + len(rows) + 1)
        people = ((number, f"Person {number}", DAY) for number in numbers)
        database.executemany("INSERT INTO person (id, name, created) VALUES (?, ?, ?)", people)
        held_by = ((n, n, DAY, "", 1.0, row.tobytes()) for n, row in zip(numbers, rows, strict=True))
        database.executemany(
            "INSERT INTO template (id, person_id, created, source, quality, embedding) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            held_by,
        )
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def forget(path: Path) -> None:
    """Ask the system to drop the file from its cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measured(path: Path, templates: int) -> dict[str, Any]:
    """All figures of the gallery at ``path``."""
    torch.set_num_threads(THREADS)
    # With torch, on which the first pass runs: told apart, as ``import_torch``.
    import_module("firstsight.gallery.coarse")
    loaded = held()
    strangers = units(BATCH * BATCHES, SEED + 1)
    store, opening = timed(lambda: open_store(path, CONTRACT))
    _, first = timed(lambda: store.search(strangers[:1], 1))
    opened = held()
    alone = [timed(lambda at=at: store.search(strangers[at : at + 1], 1))[1] for at in range(ROUNDS)]
    together = [
        timed(lambda at=at: store.search(strangers[at : at + BATCH], 1))[1] / BATCH
        for at in range(0, len(strangers), BATCH)
    ]
    searched = held()
    values: dict[str, Any] = {
        "protocol": "gallery",
        "rule": "Searches, numpy's and faiss's products take turns in one process, two threads each.",
        "open_cold": milliseconds(opening + first),
        "search_one": milliseconds(float(np.median(alone))),
        "search_one_p95": milliseconds(float(np.quantile(alone, 0.95))),
        "search_batch_per_probe": milliseconds(float(np.median(together))),
        **{
            f"memory_{kind}_{name}": {"value": round(then[kind] - BARE[kind], 1), "unit": "MB"}
            for kind in ("anonymous", "resident", "peak")
            for name, then in (("loaded", loaded), ("opened", opened), ("searched", searched))
        },
        **changes(store),
        "settings": {"threads": THREADS, "batch": BATCH, "templates": templates, "dimension": DIMENSION},
    }
    return values | beside(store, templates, strangers)


def changes(store: Store) -> dict[str, Any]:
    """One added and erased again, each seen by the next search."""
    row = units(1, SEED + 2)
    _, adding = timed(lambda: store.add("Somebody new", [NewTemplate(row[0])]))
    (matches,), seeing = timed(lambda: store.search(row, 1))
    assert matches[0].person == "Somebody new"  # noqa: S101 - the figure would mean nothing
    _, erasing = timed(lambda: store.erase("Somebody new"))
    (matches,), missing = timed(lambda: store.search(row, 1))
    cleared, clearing = timed(store.clear)
    assert cleared  # noqa: S101
    assert matches[0].person != "Somebody new"  # noqa: S101
    return {
        "add_one": milliseconds(adding),
        "search_after_add": milliseconds(seeing),
        "erase_one": milliseconds(erasing),
        "clear_traces": milliseconds(clearing),
        "search_after_erase": milliseconds(missing),
    }


def beside(store: Store, templates: int, strangers: NDArray[np.float32]) -> dict[str, Any]:
    """The same searches by numpy and faiss, and whether all find the same."""
    rows = everybody(templates)
    known = probes_of(rows[: len(strangers) // 2], SEED + 3)
    probes = np.concatenate([known, strangers[len(known) :]])
    found = [matches[0].template_id - 1 for matches in store.search(probes, 1)]
    best = nearest(probes, rows, 1)[:, 0]
    one, many = probes[:1], probes[:BATCH]
    work = {
        "firstsight_one": lambda: store.search(one, 1),
        "numpy_one": lambda: (one @ rows.T).argmax(1),
        "firstsight_batch": lambda: store.search(many, 1),
        "numpy_batch": lambda: [(many @ part.T).max(1) for part in np.array_split(rows, 64)],
    }
    version = ""
    try:
        import faiss
    except ModuleNotFoundError:
        console.print("faiss-cpu is not installed; left out.")
    else:
        version = faiss.__version__
        faiss.omp_set_num_threads(THREADS)
        flat = faiss.IndexFlatIP(DIMENSION)
        flat.add(rows)
        work |= {"faiss_one": lambda: flat.search(one, 1), "faiss_batch": lambda: flat.search(many, 1)}
    timings = compare(work, BATCHES)
    ratios = {
        f"time_of_{peer}_{size}": {
            "value": timings[f"firstsight_{size}"].median / timings[f"{peer}_{size}"].median,
            "unit": "x",
        }
        for peer, size in (name.split("_") for name in timings)
        if peer != "firstsight"
    }
    return {
        "recall": {"value": float(np.mean(np.equal(found, best))), "unit": "%"},
        **ratios,
        "timings": {name: timing.as_json() for name, timing in timings.items()},
        "faiss": version,
    }


def timed(job: Any) -> tuple[Any, float]:
    """What a job gives, and its seconds."""
    start = time.perf_counter()
    value = job()
    return value, time.perf_counter() - start


def milliseconds(seconds: float) -> dict[str, float | str]:
    """As a figure."""
    return {"value": round(1000 * seconds, 3), "unit": "ms"}


if __name__ == "__main__":
    main()
