"""A service of ours, as ``firstsight serve`` starts it, in which people of LFW are enrolled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from benchmarks.load import bare
from benchmarks.pictures import PEOPLE
from firstsight.datasets import Identities
from firstsight.service import keys
from firstsight.service.ledger import Ledger, ledger_path

KEYS: Final = 8


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, and to whom."""

    address: str
    keys: tuple[str, ...]
    """Of places that only ask, as many doors would: each key has a rate of its own."""
    pid: int

    def asking(self, photos: Sequence[bytes]) -> list[bytes]:
        """Who is in each photo, asked with each key in turn."""
        # As many of one as no two keys meet the same photos only.
        return [
            bare("/v1/identify", photos[number % len(photos)], _headers(self.keys[number % len(self.keys)]))
            for number in range(len(photos) * len(self.keys))
        ]


@contextmanager
def serving(lfw: Identities) -> Iterator[Served]:
    """The first photo of each of some people is enrolled; who shows several faces is passed over."""
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
            with httpx.Client(base_url=found.group(0), headers=_headers(key), timeout=60) as http:
                for name in list(lfw.pictures)[:PEOPLE]:
                    content = lfw.archive.read(lfw.pictures[name][0])
                    http.post("/v1/enroll", data={"name": name}, files={"photo": content})
            with closing(Ledger(ledger_path(Path(folder) / "people.db"))) as ledger:
                made = tuple(keys.create(ledger, f"door {number}", "read") for number in range(KEYS))
            yield Served(found.group(0), made, process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
