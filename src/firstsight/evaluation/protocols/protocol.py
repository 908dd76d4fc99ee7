"""What a protocol is, and what all of them measure in the same way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets import Archive
from firstsight.datasets.trials import Trial
from firstsight.evaluation.bootstrap import Measure, measure, widened
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.one_shot import masked, trial_scores
from firstsight.evaluation.result import Curve, Example, Result, provenance
from firstsight.evaluation.verification import equal_error_rate, roc, tar_at_far
from firstsight.models import Model

D = TypeVar("D")
Settings = Mapping[str, str | int | float | bool]
FARS: Final = (1e-2, 1e-3)
SHOWN: Final = 40
"""Examples that a result carries: the worst mistakes first."""
BINS: Final = 80


@dataclass(frozen=True, slots=True)
class Protocol(Generic[D]):
    """From a data set to a result."""

    open: Callable[[Path], D]
    pictures: Callable[[D], tuple[Archive, Sequence[str]]]
    """Which pictures are embedded."""
    identities: Callable[[D], Collection[str]]
    """Whom they show: nobody of them may have been trained on."""
    measure: Callable[[Model, D, Templates, int], Result]
    """From their templates and a seed."""
    tested: Callable[[D], Collection[str]] | None = None
    """Whose trials make the figures, all of ``identities`` when None: a model was not chosen by them."""
    developing: bool = False
    """Whether models may be chosen by this test: it is there to develop on, and its result says so."""
    curves: bool = True
    """Whether there is one to draw; of trials among n there is none."""
    thresholds: bool = False
    """Whether the model's own thresholds are tried, which nobody of the test may have made."""


def mean(right: NDArray[np.bool_], *owners: Sequence[str], seed: int) -> Measure:
    """A share, with its interval by bootstrap over the owners of the trials (both, of a pair)."""
    found = measure(lambda w: float(w @ right / w.sum()), *owners, seed=seed)
    return widened(found, len(set().union(*owners)))


def pair_scores(
    model: Model, templates: Templates, left: Sequence[str], right: Sequence[str]
) -> NDArray[np.float32]:
    """Similarity of the pictures of each pair, (P,); the lowest where one of them shows no face."""
    one, two = templates.rows(left), templates.rows(right)
    scores = model.paired(templates.embeddings[one], templates.embeddings[two])
    return masked(scores, templates.found[one] & templates.found[two])


def support_scores(
    model: Model, templates: Templates, probes: Sequence[str], supports: Sequence[Sequence[str]]
) -> list[NDArray[np.float32]]:
    """Similarity of each probe to the pictures of its support set, (n,) each; see ``trial_scores``."""
    trials = [
        Trial(templates.places[probe], templates.rows(support))
        for probe, support in zip(probes, supports, strict=True)
    ]
    return trial_scores(model.similarity, templates.embeddings, trials, templates.found)


def pair_measures(
    scores: NDArray[np.float32],
    mated: NDArray[np.bool_],
    right: NDArray[np.bool_],
    owners: Sequence[Sequence[str]],
    seed: int,
) -> dict[str, Measure]:
    """Accuracy of given answers, and the rates that need no threshold of their own.

    A false accept rate is left out where it stands for less than one of the pairs that are not mated:
    nothing is known of it there.

    Args:
        scores: (n,) similarities.
        mated: (n,) whether of the same person.
        right: (n,) whether each was answered rightly.
        owners: what the bootstrap draws; whose each pair is, or of both sides.
        seed: of the intervals.
    """
    found = {"accuracy": mean(right, *owners, seed=seed)}
    same, apart = (
        len({one for side in owners for one, kept in zip(side, kind, strict=True) if kept})
        for kind in (mated, ~mated)
    )
    others = int((~mated).sum())
    for far in FARS:
        if far * others < 1:
            continue
        name = f"tar_at_far_{far:.0e}".replace("e-0", "e-")
        found[name] = widened(measure(partial(tar_at_far, scores, mated, far), *owners, seed=seed), same)
    rate = measure(partial(equal_error_rate, scores, mated), *owners, seed=seed)
    return found | {"equal_error_rate": widened(rate, min(same, apart))}


def pair_curves(title: str, scores: NDArray[np.float32], mated: NDArray[np.bool_]) -> tuple[Curve, ...]:
    """ROC, DET and the histograms of scores."""
    false, true = roc(scores, mated)
    shown = false > 0
    edges = np.linspace(float(scores.min()), float(scores.max()) + 1e-6, BINS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    counts = {
        name: (middles, np.histogram(scores[kind], edges, density=True)[0])
        for name, kind in (("mated", mated), ("not mated", ~mated))
    }
    missed = shown & (true < 1)
    return (
        Curve(title, "false accept rate", "true accept rate", {"": (false[shown], true[shown])}, log_x=True),
        Curve(
            f"{title}: DET",
            "false accept rate",
            "false reject rate",
            {"": (false[missed], 1 - true[missed])},
            log_x=True,
            log_y=True,
        ),
        Curve(f"{title}: scores", "similarity", "density", counts),
    )


def pair_examples(
    left: Sequence[str],
    right: Sequence[str],
    scores: NDArray[np.float32],
    mated: NDArray[np.bool_],
    answered: NDArray[np.bool_],
) -> tuple[Example, ...]:
    """The pairs that were answered wrongly, the most misleading first; then the closest right ones."""
    middle = float(np.median(scores))
    badness = np.where(answered, -1e3, 0) + np.where(mated, middle - scores, scores - middle)
    found: dict[frozenset[str], Example] = {}
    for place in np.argsort(-badness, kind="stable").tolist():
        # A list may hold a pair more than once.
        found.setdefault(
            frozenset((left[place], right[place])),
            Example(
                left[place],
                (right[place],),
                (float(scores[place]),),
                truth=0 if mated[place] else None,
                answer=0 if bool(mated[place]) == bool(answered[place]) else None,
            ),
        )
        if len(found) == SHOWN:
            break
    return tuple(found.values())


def trial_examples(
    probes: Sequence[str], supports: Sequence[Sequence[str]], scores: Sequence[NDArray[np.float32]]
) -> tuple[Example, ...]:
    """One-shot trials whose first support picture is the mated one: the worst mistakes first."""
    gaps = np.array([one[1:].max() - one[0] for one in scores])
    found = []
    for place in np.argsort(-gaps, kind="stable")[:SHOWN].tolist():
        answer = int(scores[place].argmax())
        values = tuple(float(value) for value in scores[place])
        found.append(Example(probes[place], tuple(supports[place]), values, truth=0, answer=answer))
    return tuple(found)


def result(
    model: Model,
    archive: Archive,
    protocol: str,
    rule: str,
    measures: dict[str, Measure],
    settings: Settings,
    seed: int,
    curves: tuple[Curve, ...] = (),
    examples: tuple[Example, ...] = (),
) -> Result:
    """A result with its origin."""
    origin = provenance(model, archive.path.name, archive.digest(), seed)
    return Result(protocol, rule, measures, settings, origin, curves, examples, archive)
