"""Bars: how long each takes, and what a whole is made of. Axes begin at nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Final

from firstsight.evaluation.plots import BLUE, GREY, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 8.0
ROW: Final = 0.44
"""Inches for each bar."""
AROUND: Final = 1.0
"""Inches for the title and the axis of a panel."""
ROOM: Final = 1.3
"""How far the axis goes on behind the longest bar, where its figure stands."""
CLOSE: Final = 0.14
"""A mark that is nearer to the end of its bar, as a share of the longest, leaves no room for the figure."""
LETTER: Final = 0.022
"""Width of a letter of a figure, as a share of the longest bar."""
STAGES: Final = (BLUE, "#b3740e", "#1a8f5a", "#7b4fa6", "#c8372d", "#4d4d4d")
REST: Final = "#d5d8dc"
NARROW: Final = 0.07
"""A part of a bar that is shorter than this share of the axis has no room for its figure."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One of those that are compared."""

    label: str
    median: float
    low: float
    high: float
    ours: bool
    asked: float | None = None
    """Where it was asked to end."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars with an axis of their own."""

    title: str
    unit: str
    """Of the axis, in words."""
    bars: Sequence[Bar]


@dataclass(frozen=True, slots=True)
class Stack:
    """Bars that are made of parts, with an axis of their own."""

    title: str
    unit: str
    rows: Mapping[str, Mapping[str, float]]
    """Of each bar its parts."""
    wholes: Mapping[str, float]
    """How long each takes as a whole; what no part explains is the rest."""


def number(value: float) -> str:
    """With as many digits as one can use."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def draw_bars(panels: Sequence[Panel], path: Path) -> None:
    """Medians, with a line from the fastest to the slowest, below one another.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    heights = [AROUND + ROW * len(panel.bars) for panel in panels]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.35), layout="constrained")
    rows = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, panel in zip(rows, panels, strict=True):
        _bars(axes, panel)
    marks, names = zip(*_legend(), strict=True)
    asked = any(bar.asked is not None for panel in panels for bar in panel.bars)
    shown = len(marks) if asked else len(marks) - 1
    figure.legend(
        marks[:shown], names[:shown], loc="outside lower right", ncols=shown, frameon=False, fontsize=9
    )
    save(figure, path)


def _legend() -> list[tuple[object, str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        (Patch(color=BLUE), "firstsight"),
        (Patch(color=GREY), "others"),
        (Line2D([], [], color="black", lw=1.2), "fastest to slowest round"),
        (Line2D([], [], color="#c8372d", lw=2.4, ls="", marker="|", ms=13, mew=2.4), "asked for"),
    ]


def _bars(axes: Axes, panel: Panel) -> None:
    places = range(len(panel.bars))
    axes.barh(
        places,
        [bar.median for bar in panel.bars],
        color=[BLUE if bar.ours else GREY for bar in panel.bars],
        height=0.62,
    )
    longest, room = max(max(bar.high, bar.asked or 0.0) for bar in panel.bars), ROOM
    for place, bar in zip(places, panel.bars, strict=True):
        axes.plot([bar.low, bar.high], [place] * 2, color="black", lw=1.2)
        end, told = bar.high, number(bar.median)
        if bar.asked is not None:
            axes.plot([bar.asked] * 2, [place - 0.4, place + 0.4], color="#c8372d", lw=2.4)
            # Where the figure would run into the mark it goes behind, and says whose it is.
            if abs(bar.asked - bar.high) < CLOSE * longest:
                end = max(end, bar.asked)
                told = f"{told} (asked for: {number(bar.asked)})"
        if longest:
            room = max(room, end / longest + LETTER * len(told))
        axes.text(end + 0.012 * longest, place, told, va="center", fontsize=10)
    axes.set_xlim(0, longest * room if longest else 1)
    _finish(axes, panel.title, panel.unit, [bar.label for bar in panel.bars])


def draw_stacks(stacks: Sequence[Stack], path: Path) -> None:
    """What each whole is made of, below one another.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    heights = [AROUND + 1.3 * ROW * len(stack.rows) for stack in stacks]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.6), layout="constrained")
    rows = figure.subplots(len(stacks), 1, squeeze=False, height_ratios=heights)[:, 0]
    stages = list(
        dict.fromkeys(stage for stack in stacks for parts in stack.rows.values() for stage in parts)
    )
    colours = dict(zip(stages, cycle(STAGES), strict=False))
    for axes, stack in zip(rows, stacks, strict=True):
        _stack(axes, stack, colours)
    shown = [Patch(color=colours[stage]) for stage in stages] + [Patch(color=REST)]
    columns = min(4, len(shown))
    figure.legend(
        shown, [*stages, "the rest"], loc="outside lower center", ncols=columns, frameon=False, fontsize=9
    )
    save(figure, path)


def _stack(axes: Axes, stack: Stack, colours: Mapping[str, str]) -> None:
    sums = {label: sum(parts.values()) for label, parts in stack.rows.items()}
    longest = max(max(sums[label], stack.wholes[label]) for label in stack.rows)
    for place, (label, parts) in enumerate(stack.rows.items()):
        rest = max(0.0, stack.wholes[label] - sums[label])
        start = 0.0
        for stage, length in (*parts.items(), ("", rest)):
            colour = colours.get(stage, REST)
            axes.barh(place, length, left=start, color=colour, height=0.62, edgecolor="white", linewidth=0.6)
            if stage and length > NARROW * longest * ROOM:
                axes.text(
                    start + length / 2,
                    place,
                    number(length),
                    ha="center",
                    va="center",
                    color="white",
                    fontsize=9,
                )
            start += length
        # Measured apart: where the parts come to more, the end of the bar is not the whole.
        more = " as a whole" if sums[label] > 1.02 * stack.wholes[label] else ""
        told = number(stack.wholes[label]) + more
        axes.text(start + 0.012 * longest, place, told, va="center", fontsize=10)
    axes.set_xlim(0, longest * (1 + (ROOM - 1) / 2))
    _finish(axes, stack.title, stack.unit, list(stack.rows))


def _finish(axes: Axes, title: str, unit: str, labels: Sequence[str]) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(unit, fontsize=9)
    axes.set_yticks(range(len(labels)), labels, fontsize=10)
    axes.set_ylim(len(labels) - 0.45, -0.55)
    axes.tick_params(axis="x", labelsize=9)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
