"""The examples run as they are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def ran(name: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_twin_of_one_s_own_pictures_is_trained_and_used() -> None:
    said = ran("train_my_pictures.py")
    assert "One-shot accuracy on identities held out" in said
    assert "badge-00: badge-00" in said


def test_who_comes_to_the_door_is_named_once_and_strangers_are_not() -> None:
    said = ran("door_camera.py").splitlines()
    assert said == [f"{name} is here" for name in ("Amara", "Bruno", "Celeste", "Desmond")]


def test_characters_of_other_scripts_are_known_again() -> None:
    said = ran("one_shot_characters.py").splitlines()
    right, _, of = said[-1].partition(" of ")
    assert int(right) >= 0.8 * int(of.split()[0])


def test_every_example_is_named_in_its_page() -> None:
    page = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(program.name in page for program in EXAMPLES.glob("*.py"))
