"""Thousands of spoiled pictures: each is answered, none with an error of ours, and memory stays.

``FIRSTSIGHT_FUZZ`` is how many there are; their numbers tell them apart, so that one can be sent again.
"""

from __future__ import annotations

import gc
import io
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from PIL import Image
from tests.service.conftest import serving
from tests.service.mutations import mutated, mutated_zip, seeds
from tests.service.service_makers import PATIENCE

from firstsight.images import Limits
from firstsight.recognizer import Encoder
from firstsight.service import Settings

People = dict[str, list[Path]]
COUNT: Final = int(os.environ.get("FIRSTSIGHT_FUZZ", "1500"))
WARM: Final = 300
"""Requests after which all that is loaded once is loaded."""
GROWTH: Final = 64.0
"""MiB that the process may have grown by afterwards. With 10,000 pictures or more, one of them that stays
in memory for each that is read is beyond it."""
TAKEN: Final = {200, 201, 202}
REFUSED: Final = {400, 413, 415, 422}
TYPES: Final = ("image/jpeg", "image/png", "image/x-nothing", "image/*")
STATUS: Final = Path("/proc/self/status")


@pytest.mark.filterwarnings("default")  # as in the service; Pillow warns of what is odd but readable
def test_spoiled_pictures_are_answered_and_leave_nothing(
    tmp_path: Path, encoder: Encoder, people: People
) -> None:
    photo = next(iter(people.values()))[0]
    good = seeds(tuple(photos[0] for photos in people.values())[:3])
    limits = Settings(photo=Limits(bytes=2**20, pixels=500_000), rate=1e6, burst=10**6)
    answers: Counter[int] = Counter()
    before = 0.0
    with serving(tmp_path, encoder, limits) as served, served.http("write") as http:
        warm(http, photo)
        for number in range(COUNT):
            if number == WARM:
                before = resident()
            status, about = send(http, number, good)
            assert status in TAKEN | REFUSED, f"number {number}: {status} {about}"
            answers[status] += 1
        grown = resident() - before
        assert http.get("/readyz").json() == {"status": "ok"}
    # Had every one been refused at once, or none, this would show nothing.
    assert sum(answers[status] for status in TAKEN) > COUNT / 10
    assert sum(answers[status] for status in REFUSED) > COUNT / 10
    assert grown < GROWTH, f"{grown:.0f} MiB more after {COUNT} pictures ({dict(answers)})"


def warm(http: httpx.Client, photo: Path) -> None:
    """Each thread that looks for faces has room for the largest picture afterwards."""
    written = io.BytesIO()
    with Image.open(photo) as opened:
        opened.convert("RGB").resize((700, 700)).save(written, "JPEG")

    def ask(_: int) -> int:
        headers = {"Content-Type": "image/jpeg"}
        return http.post("/v1/identify", content=written.getvalue(), headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(12))) == {200}


def send(http: httpx.Client, number: int, good: tuple[bytes, ...]) -> tuple[int, Any]:
    """One of them to an address; of an import, what became of it."""
    way = number % 6
    kind, content = mutated(number // 2, good)
    bare = {"Content-Type": TYPES[number % len(TYPES)]}
    form = {"photo": (f"{kind}.jpg", content)}
    if way in (0, 1):
        answer = http.post(("/v1/detect", "/v1/identify")[way], content=content, headers=bare)
    elif way == 2:
        answer = http.post("/v1/identify", files=form)
    elif way == 3:
        answer = http.post("/v1/enroll", data={"name": f"P{number % 7}", "force": "true"}, files=form)
    elif way == 4:
        # The form itself is spoiled.
        request = http.build_request("POST", "/v1/detect", files=form)
        _, spoiled = mutated(number, (request.read(), content))
        headers = {"Content-Type": request.headers["content-type"]}
        answer = http.post("/v1/detect", content=spoiled, headers=headers)
    else:
        packed = mutated_zip(number, good)
        answer = http.post("/v1/enroll", content=packed, headers={"Content-Type": "application/zip"})
        if answer.status_code == 202:
            job = answer.json()
            until = time.monotonic() + PATIENCE
            while job["state"] == "running" and time.monotonic() < until:
                time.sleep(0.002)
                job = http.get(f"/v1/jobs/{job['id']}").json()
            if job["state"] != "done":
                return 500, job
    return answer.status_code, answer.text


def resident() -> float:
    """MiB of memory that the process holds; 0 where the system does not tell."""
    gc.collect()
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
