"""Which protocols there are, and what is refused before anything is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from firstsight.errors import DataError, UsageError
from firstsight.evaluation import evaluate
from firstsight.models import Model
from firstsight.models.model import mark


def test_what_cannot_be_measured(sface: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lfw-view2"):
        evaluate(sface, "view3", tmp_path)
    with pytest.raises(DataError):
        evaluate(sface, "n-way", tmp_path)


def test_nobody_is_tested_who_was_trained_on(sface: Model, tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (40, 40)).save(tmp_path / name / "1.png")
    knows = replace(sface, identities=frozenset({mark("bob"), mark("zoe")}))
    with pytest.raises(DataError, match="trained on 1 of the identities of transfer, like bob"):
        evaluate(knows, "transfer", tmp_path)
