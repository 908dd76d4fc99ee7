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
    similar one counts. Who has more than k is asked for; who has just k stands beside them.

    Raises:
        DataError: fewer than two identities, or none with two pictures.
    """
    measures: dict[str, Measure] = {}
    examples: tuple[Example, ...] = ()
    counts: dict[str, int] = {}
    pictures = data.pictures
    for shots in SHOTS:
        asked = [name for name, found in pictures.items() if len(found) > shots]
        everyone = [name for name, found in pictures.items() if len(found) >= shots]
        if not asked or len(everyone) < 2:
            if shots == SHOTS[0]:
                raise DataError(
                    f"{data.archive.path} has {len(everyone)} identities, {len(asked)} of them with two "
                    "pictures; two are needed, one of them with two pictures.",
                    hint="Add pictures.",
                )
            continue
        among = min(WAYS, len(everyone))
        few = "" if shots == 1 else f"_{shots}_shot"
        counts |= {f"ways{few}": among, f"identities{few}": len(everyone)}
        draw = np.random.default_rng((seed, shots))
        probes, supports, owners, scores = [], [], [], []
        for _ in range(TRIALS):
            person = asked[draw.integers(len(asked))]
            beside = [everyone[place] for place in draw.permutation(len(everyone))]
            people = [person, *[name for name in beside if name != person][: among - 1]]
            shown = [
                [pictures[name][place] for place in draw.permutation(len(pictures[name]))] for name in people
            ]
            probe = shown[0][shots]
            support = [name for found in shown for name in found[:shots]]
            (every,) = support_scores(model, templates, [probe], [support])
            scores.append(every.reshape(among, shots).max(axis=1))
            probes.append(probe)
            supports.append(support[::shots])
            owners.append(person)
        right = np.array([one_shot_right(one) for one in scores])
        measures[f"accuracy{few}"] = mean(right, owners, seed=seed)
        if shots == 1:
            examples = trial_examples(probes, supports, scores)
    rule = (
        f"Which of {counts['ways']} identities, one picture of each shown, drawn out of "
        f"{counts['identities']}. Nobody of the test is in training. "
        f"The model was trained on: {model.card.trained_on}."
    )
    settings = {**counts, "trials": TRIALS}
    return result(model, data.archive, "transfer", rule, measures, settings, seed, examples=examples)


def _everything(data: Identities) -> tuple[Archive, Sequence[str]]:
    return data.archive, data.names()


def _identities(data: Identities) -> frozenset[str]:
    return frozenset(data.pictures)


PROTOCOLS: Final = {"transfer": Protocol(open_identities, _everything, _identities, transfer, curves=False)}
