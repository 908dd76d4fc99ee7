"""``firstsight models``: what is installed, under which terms, and how good it is."""

from __future__ import annotations

from rich.text import Text

from firstsight.cli.options import Json
from firstsight.cli.output import answer, answer_json, command, table


@command
def models(as_json: Json = False) -> None:
    """List the models with their licence, size and figures."""
    from firstsight.models import DEFAULT, PUBLISHED

    known = [(published, published.figures()) for published in PUBLISHED]
    if as_json:
        answer_json(
            {
                "models": [
                    {
                        "name": published.name,
                        "default": published.name == DEFAULT,
                        "installed": published.installed,
                        "install": published.file.install,
                        "title": published.card.title,
                        "licence": published.card.licence,
                        "trained_on": published.card.trained_on,
                        "source": published.card.source,
                        "limits": published.card.limits,
                        "megabytes": published.card.megabytes,
                        "parameters": published.card.parameters,
                        "dimension": published.dimension,
                        "digest": published.file.sha256,
                        "figures": figures,
                    }
                    for published, figures in known
                ]
            }
        )
        return
    rows = []
    for published, figures in known:
        shown = [_percent(figures.get(protocol, {}).get(measure)) for _, protocol, measure in SHOWN]
        name = published.name + (" *" if published.name == DEFAULT else "")
        there = Text("yes", "green") if published.installed else Text("no", "yellow")
        size = f"{published.card.megabytes:.1f} MB"
        rows.append((name, there, published.card.licence, size, *shown))
    figures_of = tuple(title for title, _, _ in SHOWN)
    table(("Model", "Installed", "Licence", "Size", *figures_of), rows, numbers=("Size", *figures_of))
    answer(
        "\n* the default. LFW: View 2; TAR: there at FAR 1e-3; 1000-way: one-shot among 1,000 people; FNIR: "
        "of 1,000\nenrolled people at FPIR 1 %. All from photos, with intervals in docs/results.md.\n"
    )
    for published, _ in known:
        answer(f"{published.name}: {published.card.title}; training data: {published.card.trained_on}.")
        if not published.installed:
            answer(f"  To install it: {published.file.install}")


SHOWN = (
    ("LFW", "lfw-view2", "accuracy"),
    ("TAR", "lfw-view2", "tar_at_far_1e-3"),
    ("1000-way", "n-way", "accuracy"),
    ("FNIR", "open-set", "fnir"),
)
"""Title, protocol and measure of each figure in the table; docs/results.md explains them."""


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
