"""What the help says of options."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Run

from firstsight.evaluation.calibrating import LEAST_PEOPLE


def told(run: Run, command: str) -> str:
    """The help of a command, as one line."""
    return " ".join(run(command, "--help").out.replace("│", " ").split())


@pytest.mark.parametrize("command", ["verify", "classify"])
def test_who_uses_no_gallery_takes_no_model_from_one(run: Run, command: str) -> None:
    said = told(run, command)
    assert "Model; by default the first that `models` lists." in said
    assert "gallery" not in said


def test_a_gallery_keeps_its_model(run: Run) -> None:
    assert "Model; by default the gallery's own" in told(run, "identify")


def test_calibrate_says_how_many_people_it_takes(run: Run) -> None:
    assert f"of {LEAST_PEOPLE} people or more" in told(run, "calibrate")
