"""Thresholds from a file of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from firstsight.errors import UsageError
from firstsight.models import Calibration, Model
from firstsight.models.sealing import with_calibration


def written(path: Path, model: Model, **changed: Any) -> Calibration:
    """A calibration of sface's as it would be made for that model."""
    seen = model.preprocessing
    origin: dict[str, str | int] = {
        "model": model.name,
        "model_digest": model.digest,
        "preprocessing": seen.version,
        "mirrored": seen.mirrored,
        "shifted": seen.shifted,
    }
    points = (((-4.0, 0.5), (-1.0, 0.1)), ((0.0, -1.0), (0.5, 1.0)))
    made = Calibration((), *points, {**origin, "people": 300, **changed})
    path.write_text(made.to_json(), "utf-8")
    return made


@pytest.mark.parametrize(("mirrored", "shifted"), [(False, 0), (True, 0), (True, 2)])
def test_the_model_gets_its_own(sface: Model, tmp_path: Path, mirrored: bool, shifted: int) -> None:
    model = sface.with_views(mirrored=mirrored, shifted=shifted)
    made = written(tmp_path / "own.json", model)
    assert with_calibration(model, tmp_path / "own.json").calibrated() == made


def test_those_of_another_model_are_refused(sface: Model, tmp_path: Path) -> None:
    written(tmp_path / "other.json", replace(sface, name="dlib", digest="a" * 64))
    with pytest.raises(UsageError, match=r"other\.json was made for dlib with weights a{12}, not for sface"):
        with_calibration(sface, tmp_path / "other.json")


@pytest.mark.parametrize(
    ("made", "asked", "words"),
    [
        ({}, {"mirrored": True}, "with no further views, not with --mirrored"),
        ({"mirrored": True}, {}, "with --mirrored, not with none"),
        (
            {"shifted": 3},
            {"mirrored": True, "shifted": 2},
            "with --shifted 3, not with --mirrored --shifted 2",
        ),
    ],
)
def test_those_of_other_views_are_refused(
    sface: Model, tmp_path: Path, made: dict[str, Any], asked: dict[str, Any], words: str
) -> None:
    written(tmp_path / "views.json", sface.with_views(**made))
    with pytest.raises(UsageError, match=words) as caught:
        with_calibration(sface.with_views(**asked), tmp_path / "views.json")
    assert "firstsight calibrate MODEL" in caught.value.hint


def test_those_of_another_crop_are_refused(sface: Model, tmp_path: Path) -> None:
    written(tmp_path / "crop.json", sface, preprocessing="0123456789ab")
    with pytest.raises(UsageError, match="with another crop"):
        with_calibration(sface, tmp_path / "crop.json")


@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff\xfe", b'{"points": []}'])
def test_what_is_no_calibration_is_refused(sface: Model, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "bad.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"bad\.json cannot be read"):
        with_calibration(sface, tmp_path / "bad.json")
