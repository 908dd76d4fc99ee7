"""LFW's View 2 by twins that were trained on LFW itself: each fold by one that has seen nobody of it.

Huang et al., "Labeled Faces in the Wild" (2007), section III: for each of the ten folds a model is trained
on the others. One model may serve several folds, when it was trained on less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from firstsight.datasets import Lfw, open_lfw
from firstsight.errors import DataError, UsageError
from firstsight.evaluation.embedding import Progress, Templates, embed_pictures
from firstsight.evaluation.protocols.lfw import category, fold_of, found, sides, verification
from firstsight.evaluation.protocols.protocol import pair_scores
from firstsight.evaluation.result import Result
from firstsight.models import Model

PROTOCOL: Final = "lfw-view2"
EACH: Final = "Each fold is scored by a twin that has seen nobody of it. Trained on: {}."


def evaluate_folds(
    models: Sequence[Model], path: Path, *, seed: int = 0, progress: Progress | None = None
) -> Result:
    """Run View 2 with models of one recipe that were trained on different folds.

    Args:
        models: each fold is scored by the first of them that nobody of it trained or chose.
        path: LFW as published.
        seed: of intervals.
        progress: called with the number of pictures embedded and in all.

    Raises:
        UsageError: the models are of several recipes, or see pictures in several ways.
        DataError: a model does not say whom it was trained on, every model has seen somebody of a fold, or
            the data are not as published.
    """
    if len({(model.name, model.preprocessing, model.looks) for model in models}) != 1:
        raise UsageError("The models are not of one recipe.", hint="Name the models of one recipe's folds.")
    lfw = open_lfw(path)
    folds = lfw.view2()
    scorers = _scorers(models, lfw)
    names = [sorted({name for side in sides(fold) for name in side}) for fold in folds]
    whole = sum(map(len, names))
    parts: list[Templates] = []
    scores = []
    for model, fold, own in zip(scorers, folds, names, strict=True):
        before = sum(len(part.names) for part in parts)

        def show(done: int, _: int, before: int = before) -> None:
            if progress:
                progress(before + done, whole)

        part = embed_pictures(model, lfw.identities.archive, own, progress=show)
        scores.append(pair_scores(model, part, *sides(fold)))
        parts.append(part)
    # One file may be named twice.
    used = list({model.digest: model for model in models if any(model is one for one in scorers)}.values())
    measured = verification(
        used[0],
        lfw,
        PROTOCOL,
        [pair for fold in folds for pair in fold],
        np.concatenate(scores),
        fold_of(folds),
        {"pairs": sum(map(len, folds)), "folds": len(folds), "models": len(used)},
        seed,
        {"faces_found": found(*parts)},
    )
    each = EACH.format("; ".join(model.card.trained_on for model in used))
    return replace(
        measured,
        rule=f"{category(used, lfw)} {each}",
        provenance={**measured.provenance, "model_digest": ", ".join(model.digest for model in used)},
    )


def _scorers(models: Sequence[Model], lfw: Lfw) -> list[Model]:
    """The model of each fold."""
    for model in models:
        if not model.identities:
            raise DataError(
                f"{model.name} does not say whom it was trained on.",
                hint="Train on folds-1-5 and folds-6-10 of LFW, or on each fold-K.",
            )
    scorers = []
    for number, people in enumerate(lfw.fold_people(), start=1):
        unseen = [model for model in models if not (model.trained_on(people) or model.chosen_by(people))]
        if not unseen:
            raise DataError(
                f"Every model was trained on somebody of fold {number}, or chosen by them.",
                hint=f"Add one that was trained with data.part=fold-{number}.",
            )
        scorers.append(unseen[0])
    return scorers
