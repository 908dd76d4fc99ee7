"""Find people of LFW among CelebA's, whose numbers say nothing of names, and list them in the package.

    python -m tools.overlap --celeba ARCHIVE --lfw FOLDER --json docs/results/overlap.json

Two people are taken for one where `sface` finds the means of their templates as similar as ``ALIKE``.
That is well below where the certain ones lie, so that rather a few too many are left out of trainings
than one too few. The figures show it: how many pairs of people reach each similarity, and as a measure
of chance how many of LFW's own do, who are different people but for the few with two names.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from firstsight.datasets import Identities, Lfw, open_identities, open_lfw
from firstsight.datasets.splits import PEOPLE_OF_LFW
from firstsight.evaluation.embedding import embed_pictures
from firstsight.evaluation.protocols.lfw import fold_of, mated, sides
from firstsight.evaluation.protocols.protocol import pair_scores
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.evaluation.verification import fold_answers
from firstsight.files import write_whole
from firstsight.models import Model, open_model

ALIKE: Final = 0.5
SURE: Final = 0.6
"""From here up hardly two people of LFW are as alike who are not one."""
TWIN: Final = "faces-distilled"
"""Trained on CelebA: how right it is where one of them is tested, and where not, is told as well."""
STEPS: Final = (0.4, 0.5, 0.6, 0.7, 0.8)
HEAD: Final = """# Identities of CelebA who may be people of LFW, by python -m tools.overlap: whoever is to be
# tested on LFW does not train on them.
"""

Rows = NDArray[np.float32]
console = Console(stderr=True)


def main() -> None:
    """Compare all with all, and write the list and the figures."""
    parser = argparse.ArgumentParser(prog="python -m tools.overlap")
    parser.add_argument("--celeba", type=Path, required=True)
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    model = open_model("sface")
    celeba, lfw = open_identities(options.celeba), open_lfw(options.lfw)
    numbers, ours = people(model, celeba)
    names, theirs = people(model, lfw.identities)
    alike = ours @ theirs.T
    found = [number for number, best in zip(numbers, alike.max(1), strict=True) if best >= ALIKE]
    sure = {name for name, best in zip(names, alike.max(0), strict=True) if best >= SURE}
    known = [{pair.left_person, pair.right_person} & sure for fold in lfw.view2() for pair in fold]
    touched = np.array(list(map(bool, known)))
    twin = open_model(TWIN)
    right, apart = answers(twin, lfw), between(theirs)
    values = {
        "protocol": "overlap",
        "rule": "Means of the templates of each person, each of CelebA with each of LFW.",
        "people_of_celeba": count(len(numbers)),
        "left_out": count(len(found)),
        "in_lfw_for_sure": count(int((alike.max(1) >= SURE).sum())),
        **{f"pairs_of_people_at_{step}": count(int((alike >= step).sum())) for step in STEPS},
        **{f"pairs_within_lfw_at_{step}": count(int((apart >= step).sum())) for step in STEPS},
        "view2_pairs_with_one_of_them": count(int(touched.sum())),
        "view2_accuracy": share(right),
        "view2_accuracy_with_one_of_them": share(right[touched]),
        "view2_accuracy_without": share(right[~touched]),
        "settings": {"alike": ALIKE, "sure": SURE},
        "provenance": {
            "model": model.name,
            "model_digest": model.digest,
            "twin": twin.name,
            "twin_digest": twin.digest,
            "celeba_digest": celeba.archive.digest(),
            "lfw_digest": lfw.identities.archive.digest(),
            "machine": machine(),
            "made": moment(),
            **{f"version_{part}": version for part, version in versions().items()},
        },
    }
    write_whole(PEOPLE_OF_LFW, HEAD + "".join(f"{number}\n" for number in sorted(found)))
    write_whole(options.json, json.dumps(values, indent=2) + "\n")
    console.print(f"{len(found)} of {len(numbers)} left out.")


def people(model: Model, identities: Identities) -> tuple[list[str], Rows]:
    """Everybody in whom a face was found, and the means of their templates: (P, D), of unit length."""

    def say(done: int, whole: int) -> None:
        console.print(f"{done} of {whole} pictures")

    templates = embed_pictures(model, identities.archive, identities.names(), progress=say)
    labels = np.array(identities.labels())[templates.found]
    return means(templates.embeddings[templates.found], labels)


def answers(model: Model, lfw: Lfw) -> NDArray[np.bool_]:
    """Which pairs of View 2 a twin answers rightly, each by the threshold that is best on the other folds."""
    folds = lfw.view2()
    pairs = [pair for fold in folds for pair in fold]
    names = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    templates = embed_pictures(model, lfw.identities.archive, names)
    return fold_answers(pair_scores(model, templates, *sides(pairs)), mated(pairs), fold_of(folds))


def means(embeddings: Rows, labels: NDArray[np.str_]) -> tuple[list[str], Rows]:
    """The mean of each label's rows, (N, D) and (N,) -> (P, D), of unit length."""
    everyone, owner = np.unique(labels, return_inverse=True)
    summed = np.zeros((len(everyone), embeddings.shape[1]), np.float32)
    np.add.at(summed, owner, embeddings)
    summed /= np.linalg.norm(summed, axis=1, keepdims=True)
    return everyone.tolist(), summed


def count(number: int) -> dict[str, int | str]:
    """As a figure."""
    return {"value": number, "unit": ""}


def share(right: NDArray[np.bool_]) -> dict[str, float | str]:
    """As a figure."""
    return {"value": float(right.mean()), "unit": "%"}


def between(rows: Rows) -> Rows:
    """How alike each pair of different rows is: (P, D) -> (P (P - 1) / 2,)."""
    return np.asarray((rows @ rows.T)[np.triu_indices(len(rows), 1)])


if __name__ == "__main__":
    main()
