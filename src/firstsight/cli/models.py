"""``firstsight models``: what is installed, under which terms, and how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from firstsight.cli.options import Json
from firstsight.cli.output import answer, answer_json, command, table

if TYPE_CHECKING:
    from firstsight.models import Published
    from firstsight.models.shipped import Shipped


@command
def models(as_json: Json = False) -> None:
    """List the models with their licence, size and figures."""
    from firstsight.models import DEFAULT, MODELS

    known = [(model, model.figures()) for model in MODELS]
    if as_json:
        answer_json(
            {
                "models": [
                    {
                        "name": model.name,
                        "default": model.name == DEFAULT,
                        "installed": model.installed,
                        "install": model.install,
                        "title": model.card.title,
                        "licence": model.card.licence,
                        "trained_on": model.card.trained_on,
                        "source": model.card.source,
                        "limits": model.card.limits,
                        "megabytes": model.card.megabytes,
                        "parameters": model.card.parameters,
                        "dimension": model.dimension,
                        "digest": model.digest,
                        "figures": figures,
                        "calibration": _standing(model),
                    }
                    for model, figures in known
                ]
            }
        )
        return
    rows = []
    for model, figures in known:
        shown = [_percent(figures.get(protocol, {}).get(measure)) for _, protocol, measure in SHOWN]
        name = model.name + (" *" if model.name == DEFAULT else "")
        there = Text("yes", "green") if model.installed else Text("no", "yellow")
        size = f"{model.card.megabytes:.1f} MB"
        rows.append((name, there, model.card.licence, size, *shown))
    figures_of = tuple(title for title, _, _ in SHOWN)
    table(
        ("Model", "Here", "Licence", "Size", *figures_of),
        rows,
        numbers=("Size", *figures_of),
        whole=("Model",),
    )
    answer(
        "\n* the default. LFW: View 2; TAR: there at FAR 1e-3; 1000-way: one-shot among 1,000 people; FNIR: "
        "of 1,000\nenrolled people at FPIR 1 %. All from photos, with intervals in docs/results.md.\n"
    )
    for model, _ in known:
        answer(f"{model.name}: {model.card.title}; training data: {model.card.trained_on}.")
        answer(f"  {_in_words(_standing(model))}")
        if not model.installed:
            answer(f"  To install it: {model.install}")


SHOWN = (
    ("LFW", "lfw-view2", "accuracy"),
    ("TAR", "lfw-view2", "tar_at_far_1e-3"),
    ("1000-way", "n-way", "accuracy"),
    ("FNIR", "open-set", "fnir"),
)
"""Title, protocol and measure of each figure in the table; docs/results.md explains them."""


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _standing(model: Published | Shipped) -> dict[str, Any] | None:
    calibration = model.calibration()
    return calibration.standing() if calibration else None


def _in_words(standing: dict[str, Any] | None) -> str:
    if standing is None:
        return "Thresholds: none."
    measured, thin = standing["fmr_measured_down_to"], standing["fmr_of_30_pairs_of_people"]
    text = (
        f"Thresholds: {standing['people']:,} identities ({standing['data']}), "
        f"{standing['pairs_of_people']:,} pairs of them, {standing['pairs_of_photos']:,} of their pictures; "
        f"FMR measured down to {measured:.1g}, continued to {standing['fmr_continued_down_to']:.1g}"
    )
    # Many pictures of few people make many pairs, which tell less than they are.
    return f"{text}; below {thin:.1g} on less than 30 pairs of identities." if thin > measured else f"{text}."
