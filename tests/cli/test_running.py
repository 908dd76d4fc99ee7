"""The program as the shell starts it: what is told, and the exit status, whatever happens."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ran

from firstsight.cli import main
from firstsight.recognizer import Encoder

Start = Callable[..., Ran]


@pytest.fixture
def start(gallery: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Start:
    monkeypatch.setenv("FIRSTSIGHT_GALLERY", str(gallery))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # The parser sets one of its own.

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["firstsight", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("arguments", "told", "help_of"),
    [
        ("identify a.jpg --fpir abc", "'--fpir'", "identify"),
        ("identify", "PHOTO", "identify"),
        ("identify a.jpg --nonsense", "--nonsense", "identify"),
        ("enroll a.jpg --name Ada --retain-until 2030-13-01", "2030-13-01", "enroll"),
        ("people remove-photo abc", "ID", "people remove-photo"),
        ("nonsense", "nonsense", ""),
    ],
)
def test_what_the_parser_refuses_is_an_error_as_any_other(
    start: Start, arguments: str, told: str, help_of: str
) -> None:
    plain = start(*arguments.split())
    assert (plain.status, plain.out) == (2, "")
    assert plain.err.startswith("error [usage]: ")
    assert plain.err.count("\n") == 1
    assert told in plain.err
    assert " ".join(["Try 'firstsight", *help_of.split(), "--help' for help."]) in plain.err
    asked = start(*arguments.split(), "--json")
    assert (asked.status, asked.err) == (2, plain.err)
    error = asked.json["error"]
    assert set(error) == {"code", "message", "hint"}
    assert (error["code"], told in error["message"]) == ("usage", True)


@pytest.mark.parametrize("arguments", ["evaluate --json out.json", "identify --fpir abc -- --json"])
def test_json_that_was_not_asked_for(start: Start, arguments: str) -> None:
    """The one names a file, the other is a photo's name."""
    ran = start(*arguments.split())
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error [usage]: ")


@pytest.mark.parametrize("arguments", [[], ["people"]])
def test_without_a_command_there_is_help(start: Start, arguments: list[str]) -> None:
    ran = start(*arguments)
    assert "Commands:" in ran.out + ran.err
    assert "error [" not in ran.err


def test_a_fault_of_ours_is_not_nobody(
    start: Start, people: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(Encoder, "faces", broken)
    ran = start("verify", *next(iter(people.values()))[:2])
    assert (ran.status, ran.out) == (70, "")
    assert "Traceback" in ran.err
    assert "ZeroDivisionError: of ours" in ran.err


def test_what_the_system_refuses_is_told(
    start: Start, people: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Encoder, "faces", broken)
    ran = start("verify", *next(iter(people.values()))[:2], "--json")
    assert (ran.status, ran.json["error"]["code"]) == (2, "usage")
    assert ran.err.startswith("error [usage]: ")
    assert "Input/output error" in ran.err
    assert ran.err.count("\n") == 1


def test_ctrl_c(start: Start, people: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Encoder, "faces", interrupted)
    ran = start("verify", *next(iter(people.values()))[:2])
    assert (ran.status, ran.out) == (130, "")
    assert ran.err == "Interrupted; what was acknowledged is kept.\n"


def test_an_erasure_that_is_not_confirmed(
    start: Start, people: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert start("enroll", people["Amara"][0], "--name", "Amara").status == 0
    monkeypatch.setattr("firstsight.cli.people._asked", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = start("people", "erase", "Amara")
    assert (ran.status, ran.out.strip()) == (1, "")
    assert ran.err.endswith("Aborted!\n")
    assert start("people", "show", "Amara").status == 0


def program(*arguments: str, out: int) -> subprocess.CompletedProcess[str]:
    """The program itself, which writes its answer there."""
    asked = [sys.executable, "-m", "firstsight", *arguments]
    return subprocess.run(asked, stdout=out, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is full")
@pytest.mark.parametrize("arguments", [["models", "--json"], ["models"], ["--version"]])
def test_an_answer_that_cannot_be_written(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = program(*arguments, out=full.fileno())
    assert ran.returncode == 2
    assert ran.stderr.startswith("error [output_failed]: The answer could not be written (")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["models", "--json"], ["models"]])
def test_whoever_reads_may_have_heard_enough(arguments: list[str]) -> None:
    """As with ``| head``: no word about it."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = program(*arguments, out=writing)
    finally:
        os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_all_is_well(start: Start) -> None:
    ran = start("models", "--json")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out)["models"]
