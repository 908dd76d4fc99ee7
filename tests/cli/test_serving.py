"""``serve``, ``keys`` and ``backup`` from the command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import platformdirs
import pytest
from tests.cli.conftest import Run

from firstsight.service.ledger import Ledger


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(run: Run, tmp_path: Path) -> None:
    made = run("keys", "create", "door", "--role", "write", "--gallery", "p.db")
    assert re.fullmatch(r"fs_[\w-]{43}\s*", made.out)
    assert "[usage]" in run("keys", "create", "door", "--gallery", "p.db").err
    assert "[usage]" in run("keys", "create", "x", "--role", "boss", "--gallery", "p.db").err
    (key,) = json.loads(run("keys", "list", "--json", "--gallery", "p.db").out)["keys"]
    assert (key["name"], key["role"], key["revoked"]) == ("door", "write", None)
    assert made.out.strip() not in run("keys", "list", "--gallery", "p.db").out
    assert run("keys", "revoke", "door", "--gallery", "p.db").status == 0
    assert "[usage]" in run("keys", "revoke", "door", "--gallery", "p.db").err


def test_no_other_address_without_a_key(run: Run) -> None:
    refused = run("serve", "--host", "0.0.0.0", "--gallery", "p.db")  # noqa: S104
    assert refused.status == 2
    assert "[usage]" in refused.err
    assert "keys create" in refused.err


def test_when_all_keys_were_revoked_none_is_made_anew(run: Run) -> None:
    """Who revoked them after a leak does not want the next start to print another."""
    run("keys", "create", "door", "--gallery", "p.db")
    run("keys", "revoke", "door", "--gallery", "p.db")
    refused = run("serve", "--gallery", "p.db")
    assert refused.status == 2
    assert "All keys" in refused.err
    assert "keys create" in refused.err
    assert "fs_" not in refused.out


@pytest.mark.parametrize(
    "arguments", [["x", "--role", "amdin"], ["", "--role", "admin"], ["n" * 101, "--role", "admin"]]
)
def test_a_key_that_cannot_be_made_leaves_no_file(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    """A file without keys would look as if the first had been made."""
    assert run("keys", "create", *arguments, "--gallery", "p.db").status == 2
    assert list(tmp_path.iterdir()) == []


def test_who_only_asks_for_keys_makes_no_file(run: Run, tmp_path: Path) -> None:
    assert json.loads(run("keys", "list", "--json", "--gallery", "p.db").out) == {"keys": []}
    refused = run("keys", "revoke", "door", "--gallery", "p.db")
    assert refused.status == 2
    assert "No key called 'door' is in use" in refused.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", [False, True], ids=["no file", "a file without keys"])
def test_no_first_key_is_shown_where_none_is_to_be(run: Run, tmp_path: Path, file: bool) -> None:
    if file:
        Ledger(tmp_path / "p.db.service").close()
    refused = run("serve", "--no-first-key", "--gallery", "p.db")
    assert (refused.status, refused.out) == (2, "")
    assert refused.err.startswith("error [usage]: There is no key of p.db yet")
    assert "firstsight keys create" in refused.err
    assert (tmp_path / "p.db.service").exists() == file
    assert not (tmp_path / "p.db").exists()


def test_where_the_output_is_kept_no_first_key_is_shown() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    (start,) = re.findall(r"^ExecStart=(.*)$", (deploy / "firstsight.service").read_text("utf-8"), re.M)
    (command,) = re.findall(r"^ +command: (.*)$", (deploy / "compose.yaml").read_text("utf-8"), re.M)
    assert "--no-first-key" in start
    assert "--no-first-key" in command


def test_a_first_start_shows_a_key_that_opens_the_service(tmp_path: Path) -> None:
    gallery = tmp_path / "p.db"

    def start(*options: str) -> tuple[subprocess.Popen[str], str, str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "firstsight", "serve", "--gallery", str(gallery), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stderr is not None
        address = ""
        until = time.monotonic() + 60
        while not address:
            assert time.monotonic() < until
            found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stderr.readline())
            address = found.group(0) if found else ""
        return process, address, ""

    process, address, _ = start()
    try:
        assert process.stdout is not None
        secret = process.stdout.readline().split()[-1]
        assert secret.startswith("fs_")
        headers = {"Authorization": f"Bearer {secret}"}
        assert httpx.get(address + "/v1/me", headers=headers).json()["role"] == "admin"
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    # The second start shows no key, and the first one's still opens it.
    process, address, _ = start("--no-first-key")
    try:
        assert httpx.get(address + "/v1/me", headers=headers).status_code == 200
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert "fs_" not in out
    assert "Traceback" not in err


def test_a_backup_holds_the_gallery_and_the_keys(run: Run, people: dict[str, list[Path]]) -> None:
    photo = next(iter(people.values()))[0]
    assert run("enroll", photo, "--name", "Ada", "--gallery", "p.db").status == 0
    run("keys", "create", "door", "--gallery", "p.db")
    assert run("backup", "copy.db", "--gallery", "p.db").status == 0
    run("people", "erase", "Ada", "--yes", "--gallery", "p.db")
    restored = json.loads(run("people", "list", "--json", "--gallery", "copy.db").out)
    assert [one["name"] for one in restored["people"]] == ["Ada"]
    assert len(json.loads(run("keys", "list", "--json", "--gallery", "copy.db").out)["keys"]) == 1
    assert "[gallery_unavailable]" in run("backup", "copy.db", "--gallery", "p.db").err


LONG = "n" * 300


@pytest.mark.parametrize("place", [".", "..", "folder", LONG])
@pytest.mark.parametrize(
    "arguments",
    [["keys", "list"], ["keys", "create", "x"], ["serve"], ["backup", "copy.db"], ["people", "list"]],
)
def test_where_no_gallery_can_be(run: Run, tmp_path: Path, place: str, arguments: list[str]) -> None:
    (tmp_path / "folder").mkdir()
    ran = run(*arguments, "--gallery", place)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"error [gallery_unavailable]: There can be no gallery at {place} (")
    assert ran.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("target", [".", "..", LONG])
def test_where_no_copy_can_be(run: Run, target: str) -> None:
    run("keys", "create", "door", "--gallery", "p.db")
    ran = run("backup", target, "--gallery", "p.db")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error [")
    assert ran.err.count("\n") == 1


def test_keys_of_a_server_s_gallery_that_cannot_be_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_: tmp_path / "file" / "firstsight")
    ran = run("keys", "list", "--gallery", "milvus://localhost/people")
    assert ran.status == 2
    assert ran.err.startswith("error [gallery_unavailable]: The folder ")
    assert ran.err.count("\n") == 1


def test_a_key_of_a_gallery_does_not_open_another_that_is_shown_alike(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_: tmp_path / "data")

    def names(place: str) -> list[str]:
        return [
            one["name"] for one in json.loads(run("keys", "list", "--json", "--gallery", place).out)["keys"]
        ]

    # As versions before kept them: in one file for both.
    assert run("keys", "create", "old", "--gallery", "postgresql://host?gallery=x").status == 0
    made = run("keys", "create", "door", "--gallery", "postgresql://ada:secret@host?gallery=x")
    assert made.status == 0
    assert "now has its own" in made.err
    assert "secret" not in made.err
    assert names("postgresql://ada:changed@host?gallery=x") == ["door"]
    assert names("postgresql://bob:secret@host?gallery=x") == []
    assert names("postgresql://host?gallery=x") == ["old"]
    # It is said once.
    assert "its own" not in run("keys", "list", "--gallery", "postgresql://ada@host?gallery=x").err


def test_keys_stay_whoever_connects_to_the_gallery(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_: tmp_path / "data")
    run("keys", "create", "door", "--gallery", "postgresql://ada:secret@host/db")
    listed = run("keys", "list", "--json", "--gallery", "postgresql://bob:other@host/db?sslmode=require")
    assert [one["name"] for one in json.loads(listed.out)["keys"]] == ["door"]
    assert "its own" not in listed.err
