"""Curves as pictures; matplotlib is loaded only here, and only when something is drawn."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from firstsight.errors import UsageError
from firstsight.evaluation.result import Curve
from firstsight.files import write_whole
from firstsight.models import Calibration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, GREY = "#1f5fa8", "#8a8f98"
COLOURS = (BLUE, "#c8372d", "#1a8f5a", "#c98a1b", "#7b4fa6", "#4d4d4d")


def check_ending(path: Path) -> None:
    """Whether a picture can be drawn there, asked before the work that it is to show.

    Raises:
        UsageError: its ending tells no format.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    if path.suffix[1:].lower() not in FigureCanvasBase.get_supported_filetypes():
        raise UsageError(
            f"{path} cannot be drawn: its ending tells no format that is known.", hint="Name a .png."
        )


def draw_curve(curve: Curve, path: Path) -> None:
    """Draw a curve into a picture; its format is told by the file's ending.

    Raises:
        UsageError: the file cannot be written.
    """
    save(_figure(curve), path)


def curve_bytes(curve: Curve) -> bytes:
    """The curve as a PNG."""
    written = io.BytesIO()
    _figure(curve).savefig(written, format="png", dpi=110)
    return written.getvalue()


def draw_curves(title: str, curves: Sequence[Curve], path: Path) -> None:
    """Draw several curves side by side.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4), layout="constrained")
    for axes, curve in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves, strict=True):
        _plot(axes, curve)
    figure.suptitle(title)
    save(figure, path)


def _figure(curve: Curve) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    _plot(figure.subplots(), curve)
    return figure


def _plot(axes: Axes, curve: Curve) -> None:
    for (name, (x, y)), colour in zip(curve.lines.items(), cycle(COLOURS), strict=False):
        axes.plot(x, y, color=colour, linewidth=2, label=name)
    if len(curve.lines) > 1:
        axes.legend(frameon=False)
    axes.set(title=curve.title, xlabel=curve.x_label, ylabel=curve.y_label)
    if curve.log_x:
        axes.set_xscale("log")
    if curve.log_y:
        axes.set_yscale("log")
    if curve.y_label.endswith("%"):
        axes.set_ylim(top=min(axes.get_ylim()[1], 100))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def draw_calibration(calibration: Calibration, title: str, path: Path) -> None:
    """Draw false match rate and likelihood ratio over the similarity.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.4), layout="constrained")
    rates_axes, ratio_axes = figure.subplots(1, 2)
    logarithms, thresholds = np.array(calibration.tail).T
    seam = np.log10(float(calibration.provenance["rates_below_are_extrapolated"]))
    seen = logarithms >= seam - 1e-9
    beyond = logarithms <= seam + 1e-9
    rates_axes.plot(thresholds[seen], 10 ** logarithms[seen], color=BLUE, lw=2, label="counted")
    rates_axes.plot(thresholds[beyond], 10 ** logarithms[beyond], color=GREY, lw=2, ls=":", label="continued")
    for point in calibration.points:
        rates_axes.plot([point.low, point.high], [point.fmr] * 2, color="black", lw=3)
    rates_axes.set(yscale="log", xlabel="threshold (cosine)", ylabel="false match rate")
    rates_axes.legend(frameon=False)
    scores, ratios = np.array(calibration.evidence).T
    ratio_axes.plot(scores, ratios, color=BLUE, lw=2)
    ratio_axes.axhline(0, color=GREY, lw=0.8)
    ratio_axes.set(xlabel="similarity (cosine)", ylabel="log10 of the likelihood ratio")
    for axes in (rates_axes, ratio_axes):
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure; its format is told by the file's ending.

    Raises:
        UsageError: the file cannot be written.
    """
    drawn = io.BytesIO()
    try:
        figure.savefig(drawn, format=path.suffix[1:].lower(), dpi=144)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be drawn ({error}).", hint="Name a .png.") from error
    write_whole(path, drawn.getvalue())
