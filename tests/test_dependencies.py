"""What the product needs of others is what somebody reviewed."""

from __future__ import annotations

import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest
from tools.dependencies import __main__ as program
from tools.dependencies.needed import Distribution, closure, licence, requirements
from tools.dependencies.review import Reviewed, faults, pins, read

ROOT = Path(__file__).parents[1]


def distribution(name: str, *requires: str, version: str = "1.0", terms: str = "MIT") -> Distribution:
    return Distribution(name, version, terms, requires)


WORLD = {
    one.name: one
    for one in (
        distribution(
            "server", "Parser_Of-Forms>=2", 'speed; extra == "fast"', 'colours; sys_platform == "none"'
        ),
        distribution("parser-of-forms", "server"),
        distribution("speed", "deeper"),
        distribution("deeper"),
        distribution("colours"),
    )
}


def test_needs_are_followed_through_names_extras_and_markers() -> None:
    found, missing = closure(["server>=1"], WORLD.get)
    assert (set(found), missing) == ({"server", "parser-of-forms"}, set())
    found, missing = closure(["server[fast]"], WORLD.get)
    assert set(found) == {"server", "parser-of-forms", "speed", "deeper"}


def test_an_extra_asked_for_later_is_still_followed() -> None:
    found, _ = closure(["server[fast]", "server"], WORLD.get)
    assert "deeper" in found


def test_what_is_not_installed_is_told() -> None:
    assert closure(["server", "absent>=2"], WORLD.get)[1] == {"absent"}


def test_what_is_for_developers_only_is_no_product() -> None:
    project = {"dependencies": ["a"], "optional-dependencies": {"serve": ["b"], "dev": ["c"], "bench": ["d"]}}
    assert requirements(project) == {"": ["a"], "serve": ["b"]}


REVIEW = {"server": Reviewed("1.0", "MIT", "serves")}


def test_all_as_reviewed_is_no_fault() -> None:
    assert faults({"server": WORLD["server"]}, REVIEW, {"server": "1.0"}) == []


@pytest.mark.parametrize(
    ("needed", "pinned", "said"),
    [
        (distribution("other"), {"other": "1.0"}, "was not reviewed"),
        (distribution("server", terms="AGPL-3.0"), {"server": "1.0"}, "says 'AGPL-3.0' now"),
        (distribution("server"), {"server": "2.0"}, "constraints.txt pins 2.0"),
        (distribution("server"), {}, "not pinned"),
        (distribution("server", version="2.0"), {"server": "2.0"}, "reviewed as 1.0"),
    ],
)
def test_each_change_is_told(needed: Distribution, pinned: dict[str, str], said: str) -> None:
    (fault,) = faults({needed.name: needed}, REVIEW, pinned)
    assert said in fault


@pytest.mark.parametrize(
    ("lines", "terms"),
    [
        ("License-Expression: BSD-3-Clause\nLicense: long\nClassifier: License :: Other", "BSD-3-Clause"),
        ("License: text\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("License: MIT\nClassifier: License :: OSI Approved", "MIT"),
        ("Classifier: Topic :: Text", "not named"),
    ],
)
def test_the_licence_is_read_from_metadata(lines: str, terms: str) -> None:
    said = Message()
    for line in lines.splitlines():
        name, _, value = line.partition(": ")
        said[name] = value
    assert licence(said) == terms


def test_an_entry_without_a_reason_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "reviewed.toml"
    listed.write_text('[server]\nversion = "1.0"\nlicence = "MIT"\nwhy = ""\n')
    with pytest.raises(ValueError, match="server needs version, licence and why"):
        read(listed)


def test_pins_are_read_by_canonical_name(tmp_path: Path) -> None:
    listed = tmp_path / "constraints.txt"
    listed.write_text("# versions\nJinja2==3.1.6\nml_dtypes==0.6.0  # small numbers\n\n")
    assert pins(listed) == {"jinja2": "3.1.6", "ml-dtypes": "0.6.0"}


def test_what_is_installed_is_what_was_reviewed() -> None:
    _, wrong, _ = program.check()
    assert wrong == []


def test_pip_audit_that_could_not_look_something_up_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.extend(command)
        return subprocess.CompletedProcess(command, 1, "", "ERROR: server: not found")

    monkeypatch.setattr(subprocess, "run", run)
    assert program.audited(WORLD) == "ERROR: server: not found"
    # Without it pip-audit passes over what it does not find, and ends well.
    assert "--strict" in asked


def test_the_exit_status_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["dependencies"])
    monkeypatch.setattr(program, "check", lambda: (WORLD, ["server was not reviewed"], []))
    assert program.main() == 1
    assert "error: server was not reviewed" in capsys.readouterr().err
    monkeypatch.setattr(program, "check", lambda: (WORLD, [], ["one extra is not installed"]))
    assert program.main() == 0
    assert "5 distributions" in capsys.readouterr().out
