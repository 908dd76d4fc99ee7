"""Which pictures make up a batch; each a pure function of (seed, epoch, step)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import DataError

Rows = NDArray[np.intp]
QUARTERS: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What is embedded together."""

    rows: Rows
    """(N,) of the prepared pictures."""
    turns: NDArray[np.intp]
    """(N,) quarter turns to the left; 4 more for the mirror image, turned so."""
    labels: NDArray[np.int64]
    """(N,) classes: an identity, or an identity in one of its turns."""
    chosen: NDArray[np.bool_] | None = None
    """(N, N) pairs that count; None for all of the upper triangle."""


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The classes of a training set."""

    rows: Rows
    """(N,) its pictures."""
    labels: NDArray[np.int64]
    """(N,) their identities, from 0."""
    groups: NDArray[np.int64]
    """(N,) what the identities are drawn within."""
    turned: bool = False
    """Whether each quarter turn of a picture shows a class of its own."""
    mirrored: bool = False
    """Whether the mirror image of a picture shows a class of its own."""

    @property
    def shown(self) -> NDArray[np.intp]:
        """The turns that a picture is shown in, as ``Batch.turns`` has them."""
        quarters = np.arange(QUARTERS if self.turned else 1)
        return np.concatenate([quarters, QUARTERS + quarters]) if self.mirrored else quarters

    @property
    def turns(self) -> int:
        """How many they are."""
        return (QUARTERS if self.turned else 1) * (2 if self.mirrored else 1)

    @property
    def count(self) -> int:
        """Number of classes."""
        return (int(self.labels.max()) + 1) * self.turns

    def batch(self, places: Rows, turns: NDArray[np.intp], chosen: NDArray[np.bool_] | None = None) -> Batch:
        """The pictures at those places of ``rows``, in those of the turns ``shown``."""
        labels = self.labels[places] * self.turns + turns
        return Batch(self.rows[places], self.shown[turns], labels, chosen)


class Sampler(Protocol):
    """A source of batches."""

    def __len__(self) -> int:
        """Batches of an epoch."""
        ...

    def batch(self, epoch: int, step: int) -> Batch:
        """One batch, the same every time that it is asked for."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Shuffled:
    """Every picture, in every turn, once an epoch."""

    classes: Classes
    size: int
    """Pictures in a batch."""
    seed: int

    def __len__(self) -> int:
        return len(self.classes.rows) * self.classes.turns // self.size

    def batch(self, epoch: int, step: int) -> Batch:
        """The next pictures of the epoch's order."""
        order = np.random.default_rng((self.seed, epoch)).permutation(
            len(self.classes.rows) * self.classes.turns
        )
        turns, places = np.divmod(order[step * self.size : (step + 1) * self.size], len(self.classes.rows))
        return self.classes.batch(places, turns)


class ByIdentity:
    """P identities with K pictures each: all their pairs are scored."""

    def __init__(
        self, classes: Classes, identities: int, each: int, *, groups: int, steps: int, seed: int
    ) -> None:
        """Plan the draws.

        Args:
            classes: the training set.
            identities: P.
            each: K.
            groups: draw the identities out of this many groups (alphabets); 0 for any. Groups that have
                fewer than P together make a smaller batch.
            steps: batches of an epoch.
            seed: of everything.

        Raises:
            DataError: fewer identities with K pictures than P, in all or in any so many groups.
        """
        self.classes, self.identities, self.each = classes, identities, each
        self.groups, self.steps, self.seed = groups, steps, seed
        self.places = _by_value(classes.labels)
        usable = [label for label, places in enumerate(self.places) if len(places) >= each]
        group_of = np.zeros(len(self.places), dtype=np.int64)
        group_of[classes.labels] = classes.groups
        shown = [
            np.array([label for label in usable if group_of[label] == group], np.intp) * classes.turns
            for group in range(int(classes.groups.max()) + 1)
        ]
        # A turned alphabet is an alphabet: an O and an O on its side would not be told apart by anyone.
        self.members = [found + turn for found in shown if len(found) for turn in range(classes.turns)]
        if len(usable) * classes.turns < identities:
            raise DataError(
                f"{len(usable)} identities have {each} pictures; a batch asks for {identities}.",
                hint="Lower sampler.identities or sampler.each in the recipe.",
            )
        most = sum(sorted(map(len, self.members), reverse=True)[: groups or None])
        if most < identities:
            raise DataError(
                f"No {groups} groups have more than {most} identities with {each} pictures together; "
                f"a batch asks for {identities}.",
                hint="Raise sampler.groups, or lower sampler.identities in the recipe.",
            )

    def __len__(self) -> int:
        return self.steps

    def batch(self, epoch: int, step: int) -> Batch:
        """P classes, without repeats, with K pictures each; fewer where the groups drawn have no more."""
        draw = np.random.default_rng((self.seed, epoch, step))
        groups = draw.permutation(len(self.members))[: self.groups or None]
        pool = np.concatenate([self.members[group] for group in groups])
        picked = draw.permutation(pool)[: self.identities]
        labels, turns = np.divmod(picked, self.classes.turns)
        places = np.concatenate([draw.permutation(self.places[label])[: self.each] for label in labels])
        return self.classes.batch(places, np.repeat(turns, self.each))


class ByPair:
    """A fixed list of pairs, as the paper has it: half of them mated, uniform over the alphabets."""

    def __init__(self, classes: Classes, size: int, *, pairs: int, seed: int) -> None:
        """Plan the draws.

        Args:
            classes: the training set.
            size: pairs in a batch.
            pairs: length of the list; each epoch passes through it once.
            seed: of the list and of its order.

        Raises:
            DataError: no identity with two pictures, or no group with two identities.
        """
        self.classes, self.size, self.pairs, self.seed = classes, size, pairs, seed
        self.places = _by_value(classes.labels)
        self.members = [np.unique(classes.labels[places]) for places in _by_value(classes.groups)]
        several = [
            np.array([label for label in found if len(self.places[label]) > 1], np.intp)
            for found in self.members
        ]
        self.several = [found for found in several if len(found)]
        self.wide = [found for found in self.members if len(found) > 1]
        if not self.several or not self.wide:
            raise DataError(
                "No pairs can be drawn: identities with two pictures, and two identities, are needed.",
                hint="Add pictures.",
            )

    def __len__(self) -> int:
        return self.pairs // self.size

    def pair(self, number: int) -> tuple[int, int]:
        """The places of one pair of the list; even numbers are mated."""
        draw = np.random.default_rng((self.seed, number))
        mated = number % 2 == 0
        groups = self.several if mated else self.wide
        members = groups[draw.integers(len(groups))]
        if mated:
            places = self.places[members[draw.integers(len(members))]]
            left, right = draw.choice(places, 2, replace=False)
        else:
            first, second = draw.choice(members, 2, replace=False)
            left, right = (draw.choice(self.places[label]) for label in (first, second))
        return int(left), int(right)

    def batch(self, epoch: int, step: int) -> Batch:
        """The next pairs of the epoch's order: all their left pictures, then all their right ones."""
        order = np.random.default_rng((self.seed, epoch, 1)).permutation(self.pairs)
        numbers = order[step * self.size : (step + 1) * self.size]
        both: Sequence[tuple[int, int]] = [self.pair(int(number)) for number in numbers]
        places = np.array(both, dtype=np.intp).T.ravel()
        count = len(both)
        chosen = np.zeros((2 * count, 2 * count), dtype=np.bool_)
        chosen[np.arange(count), count + np.arange(count)] = True
        return self.classes.batch(places, np.zeros(2 * count, dtype=np.intp), chosen)


def _by_value(values: NDArray[np.int64]) -> list[Rows]:
    """The places of each value 0, 1, 2, ..."""
    order = np.argsort(values, kind="stable")
    ends = np.cumsum(np.bincount(values))
    return [np.asarray(part, np.intp) for part in np.split(order, ends[:-1])]
