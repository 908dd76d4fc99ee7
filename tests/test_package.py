"""The package as one meets it: what it offers, and that it is there at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

import firstsight


def test_the_public_names_are_seen_before_they_are_used() -> None:
    program = "import firstsight; print(*dir(firstsight))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {*firstsight.__all__} <= {*ran.stdout.split()}


def test_looking_loads_nothing() -> None:
    program = "import sys, firstsight; dir(firstsight); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"numpy", "cv2", "torch", "firstsight.recognizer"} & {*ran.stdout.split()}


def test_every_public_name_can_be_had() -> None:
    for name in firstsight.__all__:
        assert getattr(firstsight, name) is not None
        assert name in dir(firstsight)


def test_any_other_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="'firstsight' has no attribute 'nonsense'"):
        _ = firstsight.nonsense
