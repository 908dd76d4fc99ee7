"""Characters: Omniglot's official one-shot runs, more trials of the same kind, and the paper's pairs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets import Archive
from firstsight.datasets.omniglot import RUN_ALPHABETS, Drawing, Omniglot, open_omniglot, paper_split
from firstsight.datasets.prepared import Item
from firstsight.datasets.samplers import ByPair, Classes
from firstsight.datasets.splits import labels
from firstsight.datasets.trials import drawer_trials
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.one_shot import one_shot_right, trial_scores
from firstsight.evaluation.protocols.protocol import (
    Protocol,
    mean,
    pair_curves,
    pair_examples,
    pair_measures,
    pair_scores,
    result,
    support_scores,
    trial_examples,
)
from firstsight.evaluation.result import Result
from firstsight.evaluation.verification import best_threshold
from firstsight.models import Model

WAYS: Final = 20
TRIALS: Final = {"omniglot-within": 60, "omniglot-within-10": 120}
"""Repeats of each alphabet: 24,000 trials of all 20 evaluation alphabets, as many of ten."""
PAIRS: Final = 10_000
RULE: Final = "No alphabet of the test is in training. The model was trained on: {trained_on}."


def runs(model: Model, data: Omniglot, templates: Templates, seed: int) -> Result:
    """The 20 official 20-way runs within an alphabet, 400 trials.

    Lake, Salakhutdinov, Tenenbaum (2015); Koch et al. (2015), section 4.3.
    """
    probes: list[str] = []
    supports: list[Sequence[str]] = []
    owners: list[str] = []
    for number, run in enumerate(data.runs[1]):
        for probe, truth in zip(run.probes, run.truth, strict=True):
            others = [name for place, name in enumerate(run.support) if place != truth]
            probes.append(probe)
            supports.append((run.support[truth], *others))
            # The 20 probes of a run share its support and its two drawers: runs are what is independent.
            owners.append(f"run {number}")
    scores = support_scores(model, templates, probes, supports)
    right = np.array([one_shot_right(one) for one in scores])
    return result(
        model,
        data.runs[0],
        "omniglot-runs",
        RULE.format(trained_on=model.card.trained_on),
        {"accuracy": mean(right, owners, seed=seed)},
        {"ways": WAYS, "shots": 1, "trials": len(probes), "runs": len(data.runs[1])},
        seed,
        examples=trial_examples(probes, supports, scores),
    )


def within(model: Model, data: Omniglot, templates: Templates, seed: int, *, protocol: str) -> Result:
    """Many more 20-way trials within the 20 evaluation alphabets, by any two of the 20 drawers.

    ``omniglot-within-10``: within the ten of the official runs, as by the paper's split the others validate.
    """
    archive, drawings = data.evaluation
    if protocol != "omniglot-within":
        drawings = _ten(data)
    identity, alphabet, drawer = _numbers(drawings)
    trials = drawer_trials(identity, alphabet, drawer, WAYS, TRIALS[protocol], seed)
    rows = templates.rows([one.name for one in drawings])
    scores = trial_scores(model.similarity, templates.embeddings[rows], trials, templates.found[rows])
    right = np.array([one_shot_right(one) for one in scores])
    # Trials of an alphabet share characters, support sets and drawers: alphabets are what is independent.
    owners = [drawings[trial.probe].alphabet for trial in trials]
    return result(
        model,
        archive,
        protocol,
        RULE.format(trained_on=model.card.trained_on),
        {"accuracy": mean(right, owners, seed=seed)},
        {"ways": WAYS, "shots": 1, "trials": len(trials), "alphabets": len(np.unique(alphabet))},
        seed,
        examples=trial_examples(
            [drawings[trial.probe].name for trial in trials],
            [[drawings[row].name for row in trial.support] for trial in trials],
            scores,
        ),
    )


def pairs(model: Model, data: Omniglot, templates: Templates, seed: int) -> Result:
    """The paper's verification: pairs of its ten test alphabets and four test drawers.

    Koch et al. (2015), section 4.2. The threshold is the best one on as many pairs of the ten alphabets
    and four drawers that validate.
    """
    _, scores, mated = _compared(model, data, "validation", templates, seed)
    threshold = best_threshold(scores, mated)
    (left, right), scores, mated = _compared(model, data, "test", templates, seed)
    answered = (scores >= threshold) == mated
    # Both pictures of a pair are of one alphabet, and its pairs share characters and drawers: the ten
    # alphabets are what is independent.
    owners = [name.split("/")[-3] for name in left]
    return result(
        model,
        data.evaluation[0],
        "omniglot-pairs",
        RULE.format(trained_on=model.card.trained_on),
        pair_measures(scores, mated, answered, (owners,), seed),
        {"pairs": PAIRS, "threshold": threshold, "threshold_from": f"{PAIRS} pairs that validate"},
        seed,
        pair_curves(f"{model.name}, omniglot-pairs", scores, mated),
        pair_examples(left, right, scores, mated, answered),
    )


def _compared(
    model: Model, data: Omniglot, part: str, templates: Templates, seed: int
) -> tuple[tuple[list[str], list[str]], NDArray[np.float32], NDArray[np.bool_]]:
    """Names of the pictures of the pairs, their similarity, and whether they are mated."""
    drawings = paper_split(data, part)
    identity, alphabet, _ = _numbers(drawings)
    sampler = ByPair(Classes(np.arange(len(drawings)), identity, alphabet), 1, pairs=PAIRS, seed=seed)
    places = np.array([sampler.pair(number) for number in range(PAIRS)])
    left, right = ([drawings[place].name for place in side] for side in places.T.tolist())
    mated = identity[places[:, 0]] == identity[places[:, 1]]
    return (left, right), pair_scores(model, templates, left, right), mated


def _numbers(drawings: Sequence[Drawing]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Character, alphabet and drawer of each drawing."""
    items = [Item(one.name, one.character, one.alphabet) for one in drawings]
    return *labels(items), np.array([one.drawer for one in drawings], dtype=np.int64)


def _of_runs(data: Omniglot) -> tuple[Archive, Sequence[str]]:
    archive, found = data.runs
    return archive, [name for run in found for name in (*run.support, *run.probes)]


def _of_evaluation(data: Omniglot) -> tuple[Archive, Sequence[str]]:
    archive, drawings = data.evaluation
    return archive, [one.name for one in drawings]


def _ten(data: Omniglot) -> tuple[Drawing, ...]:
    """Of the ten alphabets of the runs; by the paper's split the ten others validate."""
    return tuple(one for one in data.evaluation[1] if one.alphabet in RUN_ALPHABETS)


def _of_ten(data: Omniglot) -> tuple[Archive, Sequence[str]]:
    return data.evaluation[0], [one.name for one in _ten(data)]


def _characters(data: Omniglot) -> frozenset[str]:
    return frozenset(one.character for one in data.evaluation[1])


def _tested(data: Omniglot) -> frozenset[str]:
    return frozenset(one.character for one in _ten(data))


PROTOCOLS: Final = {
    "omniglot-runs": Protocol(open_omniglot, _of_runs, _characters, runs, tested=_tested, curves=False),
    "omniglot-within": Protocol(
        open_omniglot,
        _of_evaluation,
        _characters,
        partial(within, protocol="omniglot-within"),
        curves=False,
    ),
    "omniglot-within-10": Protocol(
        open_omniglot,
        _of_ten,
        _characters,
        partial(within, protocol="omniglot-within-10"),
        tested=_tested,
        curves=False,
    ),
    "omniglot-pairs": Protocol(open_omniglot, _of_evaluation, _characters, pairs, tested=_tested),
}
