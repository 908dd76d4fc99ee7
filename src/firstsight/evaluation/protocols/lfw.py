"""Faces: Labeled Faces in the Wild, by its own two views, and by one-shot and open-set draws over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets import Archive, Episode, Lfw, Pair, one_shot, open_lfw, open_set
from firstsight.evaluation.bootstrap import Measure, Weights, measure, widened
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.one_shot import one_shot_right
from firstsight.evaluation.open_set import Searches, search
from firstsight.evaluation.protocols.protocol import (
    Protocol,
    Settings,
    mean,
    pair_curves,
    pair_examples,
    pair_measures,
    pair_scores,
    result,
    support_scores,
)
from firstsight.evaluation.result import Curve, Result
from firstsight.evaluation.verification import fold_answers
from firstsight.models import Model
from firstsight.models.model import mark

WAYS: Final = (1000, 100, 20)
DEV_WAYS: Final = 20
TRIALS: Final = 1000
ENROLLED: Final = 1000
PROBES: Final = 2000
DRAWS: Final = 5
FPIR: Final = 0.01
FOLDS: Final = 10
OUTSIDE: Final = "Unrestricted: outside data are allowed, and named."
ALIGNED: Final = (
    "Unrestricted, label-free outside data: YuNet, a published detector that was not made from LFW, finds "
    "and aligns the faces; whom they show was learnt from LFW alone."
)
"""LFW's own page counts alignment by a system that was trained on other pictures as outside data."""
INSIDE: Final = "Unrestricted, no outside data."
"""Whole pictures of LFW, which no detector has looked at."""
TRAINED: Final = "The model was trained on: {trained_on}."
RULE: Final = f"{OUTSIDE} {TRAINED}"
OTHERS: Final = ("taught by", "started from")
"""What a card says of a twin that owes others what it knows; whose people may have left no marks."""


def view1(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """Verification over the 1,000 development pairs of View 1, and one-shot among its people.

    View 1 is for developing: thresholds come from the other nine tenths of its test pairs, for a twin that
    was trained on the development people knows those of training too well.
    """
    pairs = lfw.view1("test")
    folds = tenths(pairs)
    people = lfw.identities.only(lfw.view1_people("test"))
    episodes = one_shot(people, DEV_WAYS, TRIALS, seed)
    extra = {"one_shot_20_way": _one_shot(model, templates, episodes, seed)}
    settings: Settings = {
        "pairs": len(pairs),
        "thresholds": "from the other nine tenths of the pairs",
        "one_shot_trials": TRIALS,
    }
    scores = pair_scores(model, templates, *sides(pairs))
    extra["faces_found"] = found(templates)
    return verification(model, lfw, "lfw-view1", pairs, scores, folds, settings, seed, extra)


def view2(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """Verification over the 6,000 pairs of View 2: ten folds, the threshold from the nine others."""
    folds = lfw.view2()
    pairs = [pair for fold in folds for pair in fold]
    scores = pair_scores(model, templates, *sides(pairs))
    extra = {"faces_found": found(templates)}
    settings = {"pairs": len(pairs), "folds": len(folds)}
    return verification(model, lfw, "lfw-view2", pairs, scores, fold_of(folds), settings, seed, extra)


def fold_of(folds: Sequence[Sequence[Pair]]) -> NDArray[np.intp]:
    """The number of each pair's fold, (P,), from 0."""
    return np.repeat(np.arange(len(folds)), [len(fold) for fold in folds])


def verification(
    model: Model,
    lfw: Lfw,
    protocol: str,
    pairs: Sequence[Pair],
    scores: NDArray[np.float32],
    folds: NDArray[np.intp],
    settings: Settings,
    seed: int,
    extra: dict[str, Measure],
) -> Result:
    """The measures of scored pairs (P,), each fold by the threshold that is best on the others."""
    left, right = sides(pairs)
    truth = mated(pairs)
    answered = fold_answers(scores, truth, folds)
    measures = pair_measures(scores, truth, answered, owners(pairs), seed) | extra
    by_fold = [float(answered[folds == fold].mean()) for fold in np.unique(folds)]
    error = float(np.std(by_fold, ddof=1) / np.sqrt(len(by_fold)))
    settings = {**settings, "standard_error_of_folds": error}
    trained = TRAINED.format(trained_on=model.card.trained_on)
    return result(
        model,
        lfw.identities.archive,
        protocol,
        f"{category([model], lfw)} {trained}",
        measures,
        settings,
        seed,
        pair_curves(f"{model.name}, {protocol}", scores, truth),
        pair_examples(left, right, scores, truth, answered),
    )


def category(models: Sequence[Model], lfw: Lfw) -> str:
    """LFW's own word for what the models owe to pictures that are not LFW's, as far as marks and cards tell.

    See the categories on LFW's results page, and Huang, Learned-Miller, "Labeled Faces in the Wild: Updates
    and New Reporting Procedures" (2014).
    """
    inside = frozenset(map(mark, lfw.identities.pictures))
    for model in models:
        known = model.identities | model.validated
        # Who has no marks says nothing of whom it knows.
        if not known or known - inside or any(word in model.card.trained_on for word in OTHERS):
            return OUTSIDE
    return ALIGNED if any(model.preprocessing.points for model in models) else INSIDE


def n_way(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """One-shot classification among 1,000 people, 1,000 trials; beside it among 100 and 20."""
    measures = {}
    for ways in WAYS:
        episodes = one_shot(lfw.identities, ways, TRIALS, seed)
        name = "accuracy" if ways == WAYS[0] else f"accuracy_{ways}_way"
        measures[name] = _one_shot(model, templates, episodes, seed)
    measures["faces_found"] = found(templates)
    settings = {"ways": WAYS[0], "trials": TRIALS, "shots": 1}
    rule = RULE.format(trained_on=model.card.trained_on)
    return result(model, lfw.identities.archive, "n-way", rule, measures, settings, seed)


def lfw_open_set(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """1,000 people enrolled with one photo each; probes of them and of strangers; several draws.

    The threshold is the shipped calibration's for FPIR 1 % and a gallery of 1,000; where a model has none, as
    with further views, what it decides is left out.
    """
    calibration = model.calibration
    threshold = calibration.identification_threshold(FPIR, ENROLLED) if calibration else None
    named, missed = [], []
    people: list[str] = []
    others: list[str] = []
    runs: list[Searches] = []
    for draw in range(DRAWS):
        drawn = open_set(lfw.identities, ENROLLED, PROBES, PROBES, seed, draw)
        searched = search(
            model.similarity,
            templates.embeddings[templates.rows(drawn.gallery)],
            np.array(drawn.gallery_people),
            templates.embeddings[templates.rows(drawn.mated)],
            np.array(drawn.mated_people),
            templates.embeddings[templates.rows(drawn.strangers)],
            found=(
                templates.found[templates.rows(drawn.gallery)],
                templates.found[templates.rows(drawn.mated)],
                templates.found[templates.rows(drawn.strangers)],
            ),
        )
        if threshold is not None:
            named.append(searched.false_positives(threshold))
            missed.append(searched.false_negatives(threshold))
        people += drawn.mated_people
        others += drawn.stranger_people
        runs.append(searched)
    decided = {}
    if threshold is not None:
        decided["fpir"] = mean(np.concatenate(named), others, seed=seed)
        decided["fnir"] = mean(np.concatenate(missed), people, seed=seed)
    measures = {
        **decided,
        "fnir_with_threshold_set_on_the_strangers": _fnir_fitted(runs, people, others, seed),
        "faces_found": found(templates),
    }
    rates = np.geomspace(1e-3, 0.3, 60)
    curve = Curve(
        f"{model.name}, open set, {ENROLLED:,} people enrolled",
        "false positive identification rate",
        "false negative identification rate",
        {model.name: (rates, _trade_off(runs, rates))},
        log_x=True,
    )
    settings = {
        "enrolled": ENROLLED,
        "mated_probes": len(people) // DRAWS,
        "stranger_probes": len(others) // DRAWS,
        "draws": DRAWS,
        "fpir_asked_for": FPIR,
        "threshold": "none: not calibrated" if threshold is None else threshold,
    }
    rule = RULE.format(trained_on=model.card.trained_on)
    return result(model, lfw.identities.archive, "open-set", rule, measures, settings, seed, (curve,))


def _fnir_fitted(
    runs: Sequence[Searches], people: Sequence[str], others: Sequence[str], seed: int
) -> Measure:
    """FNIR at the threshold that names ``FPIR`` of each draw's own strangers.

    The threshold is a figure of the strangers, so that each replicate of the bootstrap sets it anew.
    """
    ends = np.cumsum([len(run.mated_scores) for run in runs])
    stranger_ends = len(people) + np.cumsum([len(run.stranger_scores) for run in runs])

    def missed(weights: Weights) -> float:
        probes = np.split(weights, [*ends, *stranger_ends])
        # Without strangers there is no threshold, without mated probes nobody to miss.
        if not (
            weights[: len(people)].any() and all(part.any() for part in probes[len(runs) : 2 * len(runs)])
        ):
            return math.nan
        lost = 0.0
        for run, mated, strangers in zip(runs, probes, probes[len(runs) :], strict=False):
            lost += float(mated @ run.false_negatives(run.threshold_at(FPIR, strangers)))
        return lost / float(weights[: len(people)].sum())

    found = measure(missed, [*people, *others], seed=seed)
    return replace(widened(found, len(set(people))), n=len(people))


def _one_shot(model: Model, templates: Templates, episodes: Sequence[Episode], seed: int) -> Measure:
    probes, supports = [one.probe for one in episodes], [one.support for one in episodes]
    right = [one_shot_right(scores) for scores in support_scores(model, templates, probes, supports)]
    return mean(np.array(right), [_person(probe) for probe in probes], seed=seed)


def sides(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """The pictures on the left and on the right of each pair."""
    return [pair.left for pair in pairs], [pair.right for pair in pairs]


def owners(pairs: Sequence[Pair]) -> tuple[list[str], list[str]]:
    """Whom they show."""
    return [pair.left_person for pair in pairs], [pair.right_person for pair in pairs]


def mated(pairs: Sequence[Pair]) -> NDArray[np.bool_]:
    """Whether the two are one person, (P,)."""
    return np.array([pair.mated for pair in pairs])


def tenths(pairs: Sequence[Pair]) -> NDArray[np.intp]:
    """Ten folds of View 1's pairs, which has none of its own: (P,), from 0."""
    return np.arange(len(pairs)) % FOLDS


def found(*parts: Templates) -> Measure:
    """The share of photos in which a face was found."""
    people = [_person(name) for templates in parts for name in templates.names]
    return mean(np.concatenate([templates.found for templates in parts]), people, seed=0)


def _person(name: str) -> str:
    return name.split("/")[-2]


def _trade_off(runs: list[Searches], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(
        [
            np.mean([run.false_negatives(run.threshold_at(float(rate))).mean() for run in runs])
            for rate in rates
        ]
    )


def _everything(lfw: Lfw) -> tuple[Archive, Sequence[str]]:
    return lfw.identities.archive, lfw.identities.names()


def _developing(lfw: Lfw) -> tuple[Archive, Sequence[str]]:
    return lfw.identities.archive, lfw.identities.only(lfw.view1_people("test")).names()


def _people(lfw: Lfw) -> frozenset[str]:
    return frozenset(lfw.identities.pictures)


def _developed_on(lfw: Lfw) -> frozenset[str]:
    return lfw.view1_people("test")


PROTOCOLS: Final = {
    "lfw-view1": Protocol(open_lfw, _developing, _developed_on, view1, developing=True),
    "lfw-view2": Protocol(open_lfw, _everything, _people, view2),
    "n-way": Protocol(open_lfw, _everything, _people, n_way, curves=False),
    "open-set": Protocol(open_lfw, _everything, _people, lfw_open_set, thresholds=True),
}
