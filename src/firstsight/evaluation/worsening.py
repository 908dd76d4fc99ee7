"""Robustness of several models in one picture: a panel for each way in which photos are worse."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

from firstsight.evaluation.degradations import DEGRADATIONS, STEPS
from firstsight.evaluation.plots import COLOURS, GREY, save


def accuracies(values: Mapping[str, Any]) -> dict[str, float]:
    """By step, the plain photos' under "".

    Raises:
        KeyError, TypeError: a step is missing.
    """
    return {step: values["_".join(filter(None, ("accuracy", step)))]["value"] for step in ("", *STEPS)}


def draw_worsening(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw accuracy against how bad the second photo is.

    Args:
        results: by model, what ``evaluate --protocol robustness`` wrote.
        path: its ending tells the format.

    Raises:
        UsageError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 6.2), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True)
    for axes, one in zip(panels.flat, DEGRADATIONS, strict=True):
        steps = [one.folder(level) for level in one.levels]
        places = range(len(steps) + 1)
        for (model, values), colour in zip(results.items(), cycle(COLOURS), strict=False):
            found = accuracies(values)
            heights = [100 * found[step] for step in ("", *steps)]
            axes.plot(places, heights, color=colour, linewidth=2, marker="o", markersize=4, label=model)
        axes.axhline(50, color=GREY, linewidth=1, linestyle=":")
        axes.set(title=one.name, xlabel=one.unit, ylim=(45, 101))
        axes.set_xticks(places, ["none", *(f"{level:g}" for level in one.levels)])
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[:, 0]:
        axes.set_ylabel("accuracy, %")
    panels.flat[0].legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 0.08), fontsize=9)
    save(figure, path)
