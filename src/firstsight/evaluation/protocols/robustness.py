"""How much worse a photo may be: one picture of each pair is degraded in steps, the other is as it was.

On the development pairs of LFW's View 1, so that View 2 stays untouched. The threshold is that of the pairs
as they were, for at use nobody knows how bad the next photo is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from firstsight.datasets import Archive, Lfw, Pair, open_lfw
from firstsight.evaluation.degradations import DEGRADATIONS, STEPS, degraded
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols.lfw import mated, owners, sides, tenths
from firstsight.evaluation.protocols.protocol import Protocol, mean, pair_scores, result
from firstsight.evaluation.result import Curve, Result
from firstsight.evaluation.verification import fold_answers
from firstsight.models import Model

RULE: Final = "The second photo of each pair is degraded. The model was trained on: {}."


@dataclass(frozen=True, slots=True, eq=False)
class Degraded:
    """LFW's development pairs, with the second picture of each also in every degradation."""

    lfw: Lfw
    pairs: tuple[Pair, ...]
    archive: Archive

    def names(self) -> list[str]:
        """Every picture that is embedded."""
        left, right = map(set, sides(self.pairs))
        return sorted(left | right) + [f"{step}/{name}" for step in STEPS for name in sorted(right)]


def open_degraded(path: Path) -> Degraded:
    """LFW as published.

    Raises:
        DataError: it is not there, or not as published.
    """
    lfw = open_lfw(path)
    pairs = tuple(lfw.view1("test"))
    return Degraded(lfw, pairs, degraded(lfw.identities.archive, sorted(set(sides(pairs)[1]))))


def robustness(model: Model, data: Degraded, templates: Templates, seed: int) -> Result:
    """Accuracy on View 1's pairs, and the share of faces found, by kind and step of degradation."""
    pairs = data.pairs
    (left, right), people = sides(pairs), owners(pairs)
    truth, folds = mated(pairs), tenths(pairs)
    plain = pair_scores(model, templates, left, right)
    measures = {"accuracy": mean(fold_answers(plain, truth, folds), *people, seed=seed)}
    lines = {}
    for one in DEGRADATIONS:
        line = [measures["accuracy"].value]
        for level in one.levels:
            step = one.folder(level)
            worse = [f"{step}/{name}" for name in right]
            scores = pair_scores(model, templates, left, worse)
            answered = fold_answers(scores, truth, folds, chosen_on=plain)
            found = templates.found[templates.rows(worse)]
            measures[f"accuracy_{step}"] = mean(answered, *people, seed=seed)
            measures[f"faces_found_{step}"] = mean(found, people[1], seed=seed)
            line.append(measures[f"accuracy_{step}"].value)
        levels = ", ".join(f"{level:g}" for level in one.levels)
        lines[f"{one.name}: {levels} {one.unit}"] = (
            np.arange(len(line), dtype=np.float64),
            100 * np.array(line),
        )
    curve = Curve(f"{model.name}: how much worse a photo may be", "step (0: as it was)", "accuracy, %", lines)
    return result(
        model,
        data.lfw.identities.archive,
        "robustness",
        RULE.format(model.card.trained_on),
        measures,
        {"pairs": len(pairs), "thresholds": "from the other nine tenths of the pairs, as they were"},
        seed,
        (curve,),
    )


def _pictures(data: Degraded) -> tuple[Archive, Sequence[str]]:
    return data.archive, data.names()


def _people(data: Degraded) -> frozenset[str]:
    return data.lfw.view1_people("test")


PROTOCOLS: Final = {"robustness": Protocol(open_degraded, _pictures, _people, robustness, developing=True)}
