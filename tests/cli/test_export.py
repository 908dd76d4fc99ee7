"""What ``export`` says of the file that it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Run

from firstsight.models import Model, exporting


@pytest.fixture(autouse=True)
def no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making one takes long, and other tests do it."""

    def written(model: Model, path: Path, *, int8: bool) -> None:
        path.write_bytes(b"a graph")

    monkeypatch.setattr(exporting, "export_onnx", written)


def test_in_8_bits_the_thresholds_are_those_of_the_model(run: Run) -> None:
    """They were made with other scores, if only a little, and who takes the file has to know."""
    small = run("export", "omniglot-modern", "small.onnx", "--int8")
    assert small.status == 0, small.err
    told = next(line for line in small.out.splitlines() if line.startswith("Thresholds: of "))
    assert told.endswith("They were made with omniglot-modern; in 8 bits its scores differ a little.")
    whole = run("export", "omniglot-modern", "whole.onnx")
    assert "in 8 bits" not in whole.out
    assert "Thresholds: of " in whole.out
    # Without thresholds there is nothing to say of them.
    assert "in 8 bits" not in run("export", "omniglot-modern", "seen.onnx", "--int8", "--shifted", "1").out
