"""Any pictures in folders: one-shot and few-shot classification, as MNIST was in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from firstsight.datasets import Archive, Identities, open_identities
from firstsight.errors import DataError
from firstsight.evaluation.bootstrap import Measure
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.one_shot import one_shot_right
from firstsight.evaluation.protocols.protocol import (
    Protocol,
    mean,
    result,
    support_scores,
    trial_examples,
)
from firstsight.evaluation.result import Example, Result
from firstsight.models import Model

WAYS: Final = 20
SHOTS: Final = (1, 5)
TRIALS: Final = 2000


def transfer(model: Model, data: Identities, templates: Templates, seed: int) -> Result:
    """n-way k-shot classification among the folder's identities, 20 or as many as there are.

    Koch et al. (2015), section 4.4, did so with MNIST's ten digits. Of k pictures of an identity the most
    similar one counts.

    Raises:
        DataError: fewer than two identities with two pictures.
    """
    measures: dict[str, Measure] = {}
    examples: tuple[Example, ...] = ()
    ways: dict[str, int] = {}
    for shots in SHOTS:
        usable = [name for name, found in data.pictures.items() if len(found) > shots]
        if len(usable) < 2:
            if shots == SHOTS[0]:
                raise DataError(
                    f"{data.archive.path} has {len(usable)} identities with two pictures; two are needed.",
                    hint="Add pictures.",
                )
            continue
        among = min(WAYS, len(usable))
        ways["ways" if shots == 1 else f"ways_{shots}_shot"] = among
        draw = np.random.default_rng((seed, shots))
        probes, supports, owners, scores = [], [], [], []
        for _ in range(TRIALS):
            people = [usable[place] for place in draw.permutation(len(usable))[:among]]
            shown = [
                [data.pictures[name][place] for place in draw.permutation(len(data.pictures[name]))]
                for name in people
            ]
            probe = shown[0][shots]
            support = [name for found in shown for name in found[:shots]]
            (every,) = support_scores(model, templates, [probe], [support])
            scores.append(every.reshape(among, shots).max(axis=1))
            probes.append(probe)
            supports.append(support[::shots])
            owners.append(people[0])
        right = np.array([one_shot_right(one) for one in scores])
        measures["accuracy" if shots == 1 else f"accuracy_{shots}_shot"] = mean(right, owners, seed=seed)
        if shots == 1:
            examples = trial_examples(probes, supports, scores)
    rule = (
        f"Which of {ways['ways']} identities, one picture of each shown, drawn out of {len(data.pictures)}. "
        f"Nobody of the test is in training. The model was trained on: {model.card.trained_on}."
    )
    settings = {**ways, "trials": TRIALS, "identities": len(data.pictures)}
    return result(model, data.archive, "transfer", rule, measures, settings, seed, examples=examples)


def _everything(data: Identities) -> tuple[Archive, Sequence[str]]:
    return data.archive, data.names()


def _identities(data: Identities) -> frozenset[str]:
    return frozenset(data.pictures)


PROTOCOLS: Final = {"transfer": Protocol(open_identities, _everything, _identities, transfer, curves=False)}
