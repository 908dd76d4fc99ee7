"""The published protocols, from photos to figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets import Lfw, one_shot, open_lfw, open_set
from firstsight.errors import UsageError
from firstsight.evaluation.bootstrap import Measure, measure
from firstsight.evaluation.embedding import Progress, Templates, embed_pictures
from firstsight.evaluation.one_shot import one_shot_right
from firstsight.evaluation.open_set import Searches, search
from firstsight.evaluation.result import Curve, Result, provenance
from firstsight.evaluation.verification import fold_answers, roc, tar_at_far
from firstsight.models import Model

FARS: Final = (1e-2, 1e-3)
WAYS: Final = (1000, 100, 20)
TRIALS: Final = 1000
ENROLLED: Final = 1000
PROBES: Final = 2000
DRAWS: Final = 5
FPIR: Final = 0.01
UNRESTRICTED: Final = (
    "Labelled outside data: the model was trained by others on photos that are not LFW's as far as its "
    "publisher tells; nothing of it was fitted to LFW."
)


def lfw_view2(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """Verification over the 6,000 pairs of View 2: ten folds, the threshold from the nine others."""
    folds = lfw.view2()
    pairs = [pair for fold in folds for pair in fold]
    scores = _scores(templates, [pair.left for pair in pairs], [pair.right for pair in pairs])
    mated = np.array([pair.mated for pair in pairs])
    fold_of = np.repeat(np.arange(len(folds)), [len(fold) for fold in folds])
    people = [pair.left_person for pair in pairs], [pair.right_person for pair in pairs]
    right = fold_answers(scores, mated, fold_of)
    measures = {
        "accuracy": measure(lambda w: float(w @ right / w.sum()), *people, seed=seed),
        **{
            f"tar_at_far_{far:.0e}".replace("e-0", "e-"): measure(
                partial(tar_at_far, scores, mated, far), *people, seed=seed
            )
            for far in FARS
        },
        "faces_found": _found(templates),
    }
    by_fold = [float(right[fold_of == fold].mean()) for fold in range(len(folds))]
    error = float(np.std(by_fold, ddof=1) / np.sqrt(len(folds)))
    false, true = roc(scores, mated)
    shown = false > 0
    curve = Curve(
        f"{model.name}, LFW View 2",
        "false accept rate",
        "true accept rate",
        {model.name: (false[shown], true[shown])},
        log_x=True,
    )
    settings = {"pairs": len(pairs), "folds": len(folds), "standard_error_of_folds": error}
    return _result(model, lfw, "lfw-view2", UNRESTRICTED, measures, settings, seed, (curve,))


def n_way(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """One-shot classification among 1,000 people, 1,000 trials; beside it among 100 and 20."""
    measures = {}
    for ways in WAYS:
        episodes = one_shot(lfw.identities, ways, TRIALS, seed)
        right = np.array(
            [
                one_shot_right(
                    templates.embeddings[templates.places[episode.probe]],
                    templates.embeddings[templates.rows(episode.support)],
                )
                for episode in episodes
            ]
        )
        people = [_person(episode.probe) for episode in episodes]
        name = "accuracy" if ways == WAYS[0] else f"accuracy_{ways}_way"
        measures[name] = _mean(right, people, seed)
    measures["faces_found"] = _found(templates)
    settings = {"ways": WAYS[0], "trials": TRIALS, "shots": 1}
    return _result(model, lfw, "n-way", UNRESTRICTED, measures, settings, seed, ())


def lfw_open_set(model: Model, lfw: Lfw, templates: Templates, seed: int) -> Result:
    """1,000 people enrolled with one photo each; probes of them and of strangers; several draws.

    The threshold is the shipped calibration's for FPIR 1 % and a gallery of 1,000.
    """
    threshold = model.calibrated().identification_threshold(FPIR, ENROLLED)
    named, missed, missed_fitted = [], [], []
    people: list[str] = []
    others: list[str] = []
    runs: list[Searches] = []
    for draw in range(DRAWS):
        drawn = open_set(lfw.identities, ENROLLED, PROBES, PROBES, seed + draw)
        found = search(
            templates.embeddings[templates.rows(drawn.gallery)],
            np.array(drawn.gallery_people),
            templates.embeddings[templates.rows(drawn.mated)],
            np.array(drawn.mated_people),
            templates.embeddings[templates.rows(drawn.strangers)],
        )
        named.append(found.false_positives(threshold))
        missed.append(found.false_negatives(threshold))
        missed_fitted.append(found.false_negatives(found.threshold_at(FPIR)))
        people += drawn.mated_people
        others += drawn.stranger_people
        runs.append(found)
    measures = {
        "fpir": _mean(np.concatenate(named), others, seed),
        "fnir": _mean(np.concatenate(missed), people, seed),
        "fnir_with_threshold_set_on_the_strangers": _mean(np.concatenate(missed_fitted), people, seed),
        "faces_found": _found(templates),
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
        "threshold": threshold,
    }
    return _result(model, lfw, "open-set", UNRESTRICTED, measures, settings, seed, (curve,))


PROTOCOLS: Final[dict[str, Callable[[Model, Lfw, Templates, int], Result]]] = {
    "lfw-view2": lfw_view2,
    "n-way": n_way,
    "open-set": lfw_open_set,
}


def evaluate(
    model: Model, protocol: str, path: Path, *, seed: int = 0, progress: Progress | None = None
) -> Result:
    """Run a protocol on LFW's photos, detection and alignment included.

    Args:
        model: the model.
        protocol: ``lfw-view2``, ``n-way`` or ``open-set``.
        path: folder of LFW's archive (or photos) and lists.
        seed: of draws and intervals.
        progress: called with the number of pictures embedded and in all.

    Raises:
        UsageError: an unknown protocol.
        DataError: the data are not as published.
        NotCalibrated: ``open-set`` needs a threshold.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"There is no protocol {protocol!r}.", hint=f"Known: {', '.join(PROTOCOLS)}.")
    lfw = open_lfw(path)
    identities = lfw.identities
    templates = embed_pictures(model, identities.archive, identities.names(), progress=progress)
    return PROTOCOLS[protocol](model, lfw, templates, seed)


def _scores(templates: Templates, left: list[str], right: list[str]) -> NDArray[np.float32]:
    pairs = templates.embeddings[templates.rows(left)], templates.embeddings[templates.rows(right)]
    scores: NDArray[np.float32] = np.einsum("nd,nd->n", *pairs)
    return scores


def _mean(right: NDArray[np.bool_], people: list[str], seed: int) -> Measure:
    return measure(lambda w: float(w @ right / w.sum()), people, seed=seed)


def _found(templates: Templates) -> Measure:
    people = [_person(name) for name in templates.names]
    return _mean(templates.found, people, 0)


def _person(name: str) -> str:
    return name.split("/")[-2]


def _trade_off(runs: list[Searches], rates: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array(
        [
            np.mean([run.false_negatives(run.threshold_at(float(rate))).mean() for run in runs])
            for rate in rates
        ]
    )


def _result(
    model: Model,
    lfw: Lfw,
    protocol: str,
    rule: str,
    measures: dict[str, Measure],
    settings: Mapping[str, str | int | float | bool],
    seed: int,
    curves: tuple[Curve, ...],
) -> Result:
    archive = lfw.identities.archive
    origin = provenance(model, archive.path.name, archive.digest(), seed)
    return Result(protocol, rule, measures, settings, origin, curves)
