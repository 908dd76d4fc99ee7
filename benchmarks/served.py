"""A service of ours, as ``firstsight serve`` starts it, in which people of LFW are enrolled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import cv2
import httpx
import numpy as np

from firstsight.datasets import Identities

PEOPLE: Final = 100
WIDE: Final = (1920, 1080)


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, and to whom."""

    address: str
    headers: dict[str, str]
    pid: int


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
            headers = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=found.group(0), headers=headers, timeout=60) as http:
                for name in list(lfw.pictures)[:PEOPLE]:
                    content = lfw.archive.read(lfw.pictures[name][0])
                    http.post("/v1/enroll", data={"name": name}, files={"photo": content})
            yield Served(found.group(0), headers, process.pid)
        finally:
            process.terminate()
            process.wait(60)


def small(lfw: Identities) -> list[bytes]:
    """LFW's photos as they are, 250 x 250."""
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
