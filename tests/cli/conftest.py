"""The command line, run in a folder of the test's with a gallery of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from firstsight.cli.app import app


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def run(gallery: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIRSTSIGHT_GALLERY", str(gallery))
    monkeypatch.delenv("FIRSTSIGHT_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return invoke
