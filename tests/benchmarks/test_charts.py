from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.charts import Bar, Panel, Stack, draw_bars, draw_stacks, number
from matplotlib.figure import Figure
from PIL import Image

from benchmarks import charts


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.123, "0.12"), (9.994, "9.99"), (12.34, "12.3"), (123.4, "123"), (12345.6, "12,346")],
)
def test_figures_have_the_digits_one_can_use(value: float, said: str) -> None:
    assert number(value) == said


def share(path: Path, colour: tuple[int, int, int]) -> float:
    """Of the picture's columns, how many hold that colour."""
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    return float((np.abs(pixels.astype(int) - colour).max(2) < 4).any(0).sum())


def test_a_bar_is_as_long_as_its_figure(tmp_path: Path) -> None:
    blue, grey = (31, 95, 168), (138, 143, 152)
    bars = [Bar("ours", 10, 10, 10, ours=True), Bar("theirs", 40, 40, 40, ours=False)]
    draw_bars([Panel("a job", "milliseconds", bars)], tmp_path / "one.png")
    draw_bars([Panel("a job", "milliseconds", bars[:1])], tmp_path / "alone.png")
    lengths = [share(tmp_path / "one.png", colour) for colour in (blue, grey)]
    assert lengths[1] > 2 * lengths[0] > 0
    assert share(tmp_path / "alone.png", blue) > lengths[0]


def test_what_no_part_explains_is_the_rest(tmp_path: Path) -> None:
    rest = (213, 216, 220)
    for name, whole in (("some", 10.0), ("none", 8.0)):
        stack = Stack("a job", "milliseconds", {"row": {"one": 3.0, "two": 5.0}}, {"row": whole})
        draw_stacks([stack], tmp_path / f"{name}.png")
    assert share(tmp_path / "some.png", rest) > 2 * share(tmp_path / "none.png", rest)


def test_axes_begin_at_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(charts, "save", lambda figure, _: drawn.append(figure))
    draw_bars([Panel("a job", "s", [Bar("one", 99, 98, 120, ours=True, asked=130)])], tmp_path / "one.png")
    draw_stacks([Stack("a job", "s", {"row": {"one": 99.0}}, {"row": 100.0})], tmp_path / "two.png")
    limits = [axes.get_xlim() for figure in drawn for axes in figure.axes]
    assert [low for low, _ in limits] == [0, 0]
    assert limits[0][1] > 130
    assert limits[1][1] > 100


@pytest.mark.parametrize(
    ("asked", "said"),
    [(35.2, "17.7 (asked for: 35.2)"), (18.0, "17.7 (asked for: 18.0)"), (90.0, "17.7"), (120.0, "17.7")],
)
def test_a_figure_beside_the_mark_says_whose_it_is(
    monkeypatch: pytest.MonkeyPatch, asked: float, said: str
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(charts, "save", lambda figure, _: drawn.append(figure))
    bars = [Bar("ours", 17.7, 17, 18.7, ours=True, asked=asked), Bar("theirs", 117, 110, 125, ours=False)]
    draw_bars([Panel("a job", "ms", bars)], Path("one.png"))
    assert [text.get_text() for text in drawn[0].axes[0].texts] == [said, "117"]


def test_what_is_said_stays_within_the_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(charts, "save", lambda figure, _: drawn.append(figure))
    bars = [Bar("ours", 12345, 12000, 12800, ours=True, asked=13000), Bar("theirs", 1, 1, 1, ours=False)]
    draw_bars([Panel("a job", "ms", bars)], Path("one.png"))
    drawn[0].draw_without_rendering()
    axes = drawn[0].axes[0]
    assert axes.texts[0].get_text() == "12,345 (asked for: 13,000)"
    assert axes.texts[0].get_window_extent().x1 <= axes.get_window_extent().x1
