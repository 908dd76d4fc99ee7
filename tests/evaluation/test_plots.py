from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from firstsight.errors import UsageError
from firstsight.evaluation import plots
from firstsight.evaluation.plots import check_ending, draw_calibration, draw_curve
from firstsight.evaluation.result import Curve
from firstsight.models import Model

RATES = np.geomspace(1e-3, 1, 20)
CURVE = Curve("toy", "far", "tar", {"toy": (RATES, np.sqrt(RATES))}, log_x=True)


def blue(path: Path) -> int:
    """How many pixels the line has."""
    with Image.open(path) as opened:
        red, _, high = np.asarray(opened.convert("RGB"), dtype=np.int32).transpose(2, 0, 1)
    return int((high - red > 60).sum())


def test_a_curve_is_drawn(tmp_path: Path) -> None:
    draw_curve(CURVE, tmp_path / "new" / "curve.png")
    assert blue(tmp_path / "new" / "curve.png") > 1000


def test_no_axis_goes_beyond_all_right() -> None:
    for label, share in (("accuracy, %", True), ("loss", False)):
        axes = Figure().subplots()
        plots._plot(axes, Curve("toy", "epoch", label, {"": (RATES, np.full(20, 100.0))}))
        assert (axes.get_ylim()[1] <= 100) == share


def test_a_calibration_is_drawn(tmp_path: Path, sface: Model) -> None:
    draw_calibration(sface.calibrated(), "sface", tmp_path / "calibration.png")
    assert blue(tmp_path / "calibration.png") > 1000


def test_a_format_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.png"):
        draw_curve(CURVE, tmp_path / "curve.doc")
    assert not list(tmp_path.iterdir())
    for name in ("curve.doc", "curve", "curve."):
        with pytest.raises(UsageError, match=r"\.png"):
            check_ending(tmp_path / name)
    for name in ("curve.png", "curve.SVG", "a.b.pdf"):
        check_ending(tmp_path / name)
        draw_curve(CURVE, tmp_path / name)
