"""From templates of many people to a calibration: thresholds, their intervals, and evidence.

Every pair of photos of two people is compared: millions of people pairs, so that FMR 1e-5 rests on data.
Data sets of faces hold a few people under two identities; their pairs look like false matches and would
push the thresholds up. The observed share of pairs above a score s is taken as a mixture,

    observed(s) = (1 - e) false(s) + e mated(s),

with e, the share of pairs that are of one person after all. As false(s) is never negative, e is at most
observed(s) / mated(s) for every s, and nearly so where no two people reach in earnest: the lowest of
these ratios is taken. A share beyond what data sets have is none: the twin then tells so little that
strangers reach every score that one person's pictures reach.

Below the rates that the data support, log10 FMR is continued as a parabola in the score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets import Identities
from firstsight.errors import DataError
from firstsight.evaluation.bootstrap import percentiles
from firstsight.evaluation.embedding import Progress, embed_pictures
from firstsight.evaluation.evidence import evidence
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.models import Calibration, Model, OperatingPoint
from firstsight.models.calibration import LEAST_FALSE

FMRS: Final = (1e-2, 1e-3, 1e-4)
BINS: Final = 4000
EDGES: Final = np.linspace(-1.0, 1.0, BINS + 1)
GROUPS: Final = 40
"""The bootstrap draws groups of people: their pairs are counted once per pair of groups."""
REPLICATES: Final = 500
SUPPORTED: Final = 1e-5
"""Rates from here up are read off the data where there are enough; lower ones off the parabola."""
FITTED: Final = 100
"""The parabola is fitted to rates up to so many times the lowest that is read off."""
LOWEST: Final = -8.0
"""log10 of the lowest rate that is continued to."""
STEP: Final = 0.25
DEGREE: Final = 2
"""Of the curve that is continued."""
LEAST_SEEN: Final = 0.05
"""Share of the mated pairs that must lie above a score for a ratio to be read off there."""
LARGEST_SHARE: Final = 5e-5
"""Of the impostor pairs that may be of one person after all: some 2,000 of CelebA's 44 million."""
LEAST_PEOPLE: Final = 200

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """Histograms of similarity over ``EDGES``."""

    impostor: Counts
    """(G, G, BINS): pairs of two people, by the groups that they belong to; symmetric, halved off the
    diagonal."""
    mated: Counts
    """(G, BINS): pairs of one person."""

    def drawn(self, weights: Counts) -> tuple[Counts, Counts]:
        """Impostor and mated histograms, each group counted that often: (G,) -> (BINS,), (BINS,)."""
        pairs = np.outer(weights, weights)
        # Within a group drawn twice, its pairs of two people count twice, not four times.
        np.fill_diagonal(pairs, weights)
        return np.tensordot(pairs, self.impostor, 2), weights @ self.mated


def calibrate(
    model: Model,
    identities: Identities,
    *,
    without: frozenset[str] = frozenset(),
    seed: int = 0,
    progress: Progress | None = None,
) -> Calibration:
    """Calibrate a model on people who take part in no test.

    Args:
        model: the model, as it will be used.
        identities: people and their photos; they go through the same detector and alignment as at use.
        without: who of them is left out, as somebody who does take part in a test.
        seed: of the groups and the bootstrap.
        progress: called with the number of pictures embedded and in all.

    Raises:
        DataError: too few people, or people whom the model does not tell apart.
    """
    _enough(len(identities.pictures.keys() - without), "identities", identities)
    names, labels = identities.names(), np.array(identities.labels())
    # Everybody's: templates are kept for a list of pictures, and so serve whoever is left out.
    templates = embed_pictures(model, identities.archive, names, progress=progress)
    asked = ~np.isin(labels, sorted(without))
    found = templates.found & asked
    # A model of characters or of products sees no faces.
    whom = "people with a face" if model.preprocessing.points else "identities with a usable picture"
    _enough(len(np.unique(labels[found])), whom, identities)
    origin: dict[str, str | int | float | bool] = {
        "data": identities.archive.path.name,
        "data_digest": identities.archive.digest(),
        "people_left_out": len(identities.pictures.keys() & without),
        "photos_without_face": int((~templates.found & asked).sum()),
    }
    return calibrate_templates(model, templates.embeddings[found], labels[found], origin, seed)


def _enough(people: int, whom: str, identities: Identities) -> None:
    if people < LEAST_PEOPLE:
        raise DataError(
            f"{identities.archive.path} has {people} {whom}; a calibration needs {LEAST_PEOPLE}.",
            hint="Give more of them.",
        )


def calibrate_templates(
    model: Model,
    embeddings: NDArray[np.float32],
    labels: NDArray[np.str_],
    origin: Mapping[str, str | int | float | bool],
    seed: int,
) -> Calibration:
    """Calibrate a model on templates of people who take part in no test.

    Rates that fewer than ``LEAST_FALSE`` false matches would stand for are left out.

    Args:
        model: the model that made them.
        embeddings: (N, D).
        labels: (N,) whose they are.
        origin: what to note of the data.
        seed: of the groups and the bootstrap.

    Raises:
        DataError: too few pairs for any rate, or pictures of one identity are no more alike than of two.
    """
    people = len(np.unique(labels))
    counted = compare(model.similarity, embeddings, labels, seed)
    once = np.ones(len(counted.mated))
    impostor, mated = counted.drawn(once)
    if impostor.sum() * FMRS[0] < LEAST_FALSE or mated.sum() < LEAST_FALSE:
        raise DataError(
            f"{people} identities with {len(labels)} pictures are too few to calibrate on.",
            hint="Give more identities, with two pictures or more each.",
        )
    # Before the bootstrap, which takes long. A single level says nothing, and is none that can be read back.
    ratios = evidence(EDGES, corrected(impostor, mated), mated, people * (people - 1) / 2)
    if len(ratios) < 2:
        raise DataError(
            f"{model.name} does not tell these {people} identities apart: pictures of one are no more alike "
            "to it than pictures of two, and no threshold would mean anything.",
            hint="Check that each folder holds one identity, or take a model that is made for such pictures.",
        )
    supported = float(max(SUPPORTED, LEAST_FALSE / impostor.sum()))
    points = operating_points(counted, [fmr for fmr in FMRS if fmr >= supported], seed)
    return Calibration(
        points=points,
        tail=tail(false_match_rates(impostor, mated), supported),
        evidence=ratios,
        provenance={
            **origin,
            "people": people,
            "photos": len(labels),
            "impostor_pairs": int(impostor.sum()),
            "mated_pairs": int(mated.sum()),
            "share_of_pairs_under_two_identities": float(wrong_identities(impostor, mated)),
            "rates_below_are_extrapolated": supported,
            "bootstrap_groups_of_people": len(counted.mated),
            "seed": seed,
            "model": model.name,
            "model_digest": model.digest,
            "preprocessing": model.preprocessing.version,
            "mirrored": model.mirrored,
            "shifted": model.shifted,
            "machine": machine(),
            "made": moment(),
            **{f"version_{part}": version for part, version in versions().items()},
        },
    )


def compare(
    similarity: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]],
    embeddings: NDArray[np.float32],
    labels: NDArray[np.str_],
    seed: int,
) -> Comparisons:
    """Count all pairs of photos by their similarity, (N, D) and (N,)."""
    everyone, owners = np.unique(labels, return_inverse=True)
    groups = min(GROUPS, len(everyone))
    group_of = np.random.default_rng(seed).permutation(len(everyone)) % groups
    members = [np.flatnonzero(group_of[owners] == group) for group in range(groups)]
    impostor = np.zeros((groups, groups, BINS))
    mated = np.zeros((groups, BINS))
    for first, rows in enumerate(members):
        for second in range(first, groups):
            columns = members[second]
            scores = similarity(embeddings[rows], embeddings[columns])
            if first != second:
                impostor[first, second] = impostor[second, first] = _histogram(scores) / 2
                continue
            upper = np.triu(np.ones(scores.shape, dtype=np.bool_), 1)
            same = owners[rows][:, None] == owners[columns][None, :]
            impostor[first, first] = _histogram(scores[upper & ~same])
            mated[first] = _histogram(scores[upper & same])
    return Comparisons(impostor, mated)


def _histogram(scores: NDArray[np.float32]) -> Counts:
    places = np.floor((scores.ravel() + 1) * (BINS / 2)).astype(np.intp)
    return np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS).astype(np.float64)


def survival(counts: Counts) -> Counts:
    """Share at or above each edge but the last: (BINS,) -> (BINS,)."""
    return np.asarray(np.cumsum(counts[::-1])[::-1] / counts.sum())


def wrong_identities(impostor: Counts, mated: Counts) -> float:
    """e: the share of impostor pairs that are of one person, known under two identities; 0 if not known."""
    above = survival(mated)
    seen = above >= LEAST_SEEN
    share = float((survival(impostor)[seen] / above[seen]).min())
    return share if share <= LARGEST_SHARE else 0.0


def corrected(impostor: Counts, mated: Counts) -> Counts:
    """The impostor histogram without the pairs of one person: (BINS,), never negative."""
    share = wrong_identities(impostor, mated)
    return np.asarray(np.clip(impostor - share * impostor.sum() * mated / mated.sum(), 0, None))


def false_match_rates(impostor: Counts, mated: Counts) -> Counts:
    """FMR at each edge but the last, without the pairs of one person, never rising."""
    share = wrong_identities(impostor, mated)
    rates = (survival(impostor) - share * survival(mated)) / (1 - share)
    return np.minimum.accumulate(np.clip(rates, 0, 1))


def threshold_at(rates: Counts, fmr: float) -> float:
    """The score at which the rates fall to ``fmr``, between edges by their logarithm."""
    place = int(np.searchsorted(-rates, -fmr))
    if place == 0 or place >= BINS:
        raise DataError(f"The scores do not reach FMR {fmr:g}.", hint="Give more people.")
    before, after = np.log(rates[place - 1]), np.log(max(rates[place], 1e-300))
    part = (before - np.log(fmr)) / (before - after)
    return float(EDGES[place - 1] + part * (EDGES[place] - EDGES[place - 1]))


def operating_points(counted: Comparisons, fmrs: Sequence[float], seed: int) -> tuple[OperatingPoint, ...]:
    """Thresholds at the stated rates, with intervals by bootstrap over groups of people."""
    groups = len(counted.mated)
    draw = np.random.default_rng(seed)
    replicas = []
    for _ in range(REPLICATES):
        weights = np.bincount(draw.integers(groups, size=groups), minlength=groups)
        rates = false_match_rates(*counted.drawn(weights.astype(np.float64)))
        replicas.append([threshold_at(rates, fmr) for fmr in fmrs])
    impostor, mated = counted.drawn(np.ones(groups))
    rates, above = false_match_rates(impostor, mated), survival(mated)
    points = []
    for fmr, values in zip(fmrs, np.transpose(replicas).tolist(), strict=True):
        threshold = threshold_at(rates, fmr)
        fnmr = 1 - float(np.interp(threshold, EDGES[:-1], above))
        points.append(OperatingPoint(fmr, threshold, *percentiles(values), fnmr))
    return tuple(points)


def tail(rates: Counts, supported: float = SUPPORTED) -> tuple[tuple[float, float], ...]:
    """(log10 FMR, threshold) from the lowest rate to 1/2: data where they reach, the parabola below.

    Raises:
        DataError: too few different scores.
    """
    fit = (rates >= supported) & (rates <= FITTED * supported)
    if fit.sum() < DEGREE + 1:
        raise DataError("The scores are too few to calibrate on.", hint="Give more identities.")
    scores, logarithms = EDGES[:-1][fit], np.log10(rates[fit])
    # The score as a function of the rate would fold back; the rate of the score does not.
    curve = np.polynomial.Polynomial.fit(scores, logarithms, DEGREE)
    seam = threshold_at(rates, supported)
    beyond = np.linspace(seam, 1.0, 2000)
    values = curve(beyond) - curve(seam) + np.log10(supported)
    falling = np.flatnonzero(np.diff(values) >= 0)
    stop = int(falling[0]) + 1 if len(falling) else len(beyond)
    lowest = max(LOWEST, float(np.ceil(values[:stop].min() / STEP) * STEP))
    knots = []
    for logarithm in np.arange(lowest, np.log10(0.5), STEP):
        if logarithm < np.log10(supported):
            spot = float(np.interp(-logarithm, -values[:stop], beyond[:stop]))
        else:
            spot = threshold_at(rates, float(10**logarithm))
        knots.append((float(logarithm), spot))
    return tuple(knots)
