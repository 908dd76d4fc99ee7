"""A key that nobody could be shown is not made: it would be there for ever, and nobody would know it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from firstsight.errors import OutputFailed
from firstsight.service import keys
from firstsight.service.ledger import Ledger

FULL = Path("/dev/full")
COMMANDS = (("serve", "--port", "0"), ("keys", "create", "door"))


def ran(folder: Path, command: tuple[str, ...], where: str) -> subprocess.CompletedProcess[str]:
    """A command whose standard output takes nothing."""
    arguments = [sys.executable, "-m", "firstsight", *command, "--gallery", str(folder / "p.db")]
    if where == "closed":
        arguments = ["sh", "-c", 'exec "$@" >&-', "sh", *arguments]
    unheard, pipe = os.pipe()
    os.close(unheard)
    try:
        with FULL.open("w") as full:
            return subprocess.run(
                arguments,
                stdout=pipe if where == "unheard" else full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
    finally:
        os.close(pipe)


def made(folder: Path) -> list[keys.Key]:
    with closing(Ledger(folder / "p.db.service")) as ledger:
        return keys.everything(ledger)


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full")
@pytest.mark.parametrize("command", COMMANDS, ids=["serve", "create"])
@pytest.mark.parametrize("where", ["full", "closed", "unheard"])
def test_a_key_that_could_not_be_shown_is_not_made(
    tmp_path: Path, command: tuple[str, ...], where: str
) -> None:
    refused = ran(tmp_path, command, where)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error [{OutputFailed.code}]: The key could not be shown (")
    assert "fs_" not in refused.stderr
    # Not even a revoked one: where all were revoked, a start makes none by itself.
    assert made(tmp_path) == []


def test_the_key_that_is_shown_is_the_one_that_opens(ledger: Ledger) -> None:
    shown: list[str] = []
    secret = keys.create(ledger, "desk", "read", shown.append)
    assert shown == [secret]
    assert keys.check(ledger, f"Bearer {secret}").name == "desk"
