"""One-shot trials over rows of a data set; each list a pure function of its seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Which of the support pictures shows what the probe shows? The first one does."""

    probe: int
    """A row."""
    support: NDArray[np.intp]
    """(n,) rows of n identities."""


def one_shot_trials(
    labels: NDArray[np.int64], groups: NDArray[np.int64], ways: int, count: int, seed: int
) -> list[Trial]:
    """Trials within groups: all identities of a trial are of one alphabet.

    The group is drawn uniformly, then its identities; a group of fewer than ``ways`` takes all that it has.

    Args:
        labels: (N,) the identity of each row.
        groups: (N,) what trials are drawn within; all alike where there is nothing.
        ways: identities in a trial, 2 or more.
        count: trials.
        seed: of the draws.

    Raises:
        DataError: no group with two identities, one of which has two pictures.
    """
    rows_of: dict[int, NDArray[np.intp]] = {
        int(label): np.flatnonzero(labels == label) for label in np.unique(labels)
    }
    pools = []
    for group in np.unique(groups):
        members = [int(label) for label in np.unique(labels[groups == group])]
        several = [label for label in members if len(rows_of[label]) > 1]
        if len(members) > 1 and several:
            pools.append((members, several))
    if not pools:
        raise DataError(
            "No one-shot trial can be drawn: two identities are needed, one of them with two pictures.",
            hint="Add pictures.",
        )
    draw = np.random.default_rng((seed, ways))
    trials = []
    for _ in range(count):
        members, several = pools[draw.integers(len(pools))]
        truth = several[draw.integers(len(several))]
        others = draw.permutation([label for label in members if label != truth])[: ways - 1]
        probe, shown = draw.choice(rows_of[truth], 2, replace=False)
        support = [shown, *(draw.choice(rows_of[int(label)]) for label in others)]
        trials.append(Trial(int(probe), np.array(support, dtype=np.intp)))
    return trials


def among(trials: Sequence[Trial]) -> tuple[int, int]:
    """How many identities a trial asks about, the fewest and the most: small groups have what they have."""
    sizes = [len(trial.support) for trial in trials]
    return min(sizes), max(sizes)


def drawer_trials(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    drawers: NDArray[np.int64],
    ways: int,
    repeats: int,
    seed: int,
) -> list[Trial]:
    """Trials as Lake et al. (2015) made theirs, by two drawers of one alphabet.

    Every character of one person is asked against all of the other's.
    Each repeat takes every alphabet once, draws ``ways`` of its characters (all, when it has fewer) and
    two drawers, and gives one trial for each character.

    Args:
        labels: (N,) the character of each row.
        groups: (N,) its alphabet.
        drawers: (N,) who drew it.
        ways: characters in a trial.
        repeats: how often each alphabet is taken.
        seed: of the draws.

    Raises:
        DataError: somebody drew not all of an alphabet.
    """
    place = {
        (int(label), int(who)): row for row, (label, who) in enumerate(zip(labels, drawers, strict=True))
    }
    everyone = np.unique(drawers)
    if len(place) < len(np.unique(labels)) * len(everyone):
        raise DataError(
            "Some characters lack a drawing by some drawer; trials by two drawers need all of them.",
            hint="Check that the archive is whole.",
        )
    draw = np.random.default_rng((seed, ways))
    trials = []
    for _ in range(repeats):
        for group in np.unique(groups):
            members = np.unique(labels[groups == group])
            picked = draw.permutation(members)[:ways]
            asked, shown = draw.choice(everyone, 2, replace=False)
            support = np.array([place[int(label), int(shown)] for label in picked], dtype=np.intp)
            for turn, label in enumerate(picked):
                order = np.concatenate([support[turn : turn + 1], np.delete(support, turn)])
                trials.append(Trial(place[int(label), int(asked)], order))
    return trials
