"""Draws for one-shot and open-set tests; each a pure function of its seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstsight.datasets.identities import Identities
from firstsight.errors import DataError


@dataclass(frozen=True, slots=True)
class Episode:
    """One n-way one-shot trial: which of the support pictures shows the probe's person?"""

    probe: str
    support: tuple[str, ...]
    """One picture of each of n people; the first is the probe's person."""


@dataclass(frozen=True, slots=True)
class OpenSetDraw:
    """A gallery with one photo each, probes of its people, and probes of strangers."""

    gallery: tuple[str, ...]
    gallery_people: tuple[str, ...]
    mated: tuple[str, ...]
    mated_people: tuple[str, ...]
    strangers: tuple[str, ...]
    stranger_people: tuple[str, ...]


def one_shot(identities: Identities, ways: int, trials: int, seed: int) -> list[Episode]:
    """Episodes over people with two pictures or more; others only stand beside them in the support.

    ``trials.one_shot_trials`` asks the same of rows and draws in another order: made one, the published
    figures of one of the two would be of other trials.

    Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning" (Science 2015), one-shot
    classification: one picture of each of ``ways`` people, one probe of one of them.

    Raises:
        DataError: too few people.
    """
    draw = np.random.default_rng((seed, ways))
    everyone = list(identities.pictures)
    several = [name for name in everyone if len(identities.pictures[name]) > 1]
    if ways < 2 or len(everyone) < ways or not several:
        raise DataError(
            f"{ways}-way one-shot needs {ways} people, one of them with two pictures; "
            f"there are {len(everyone)} people.",
            hint="Ask for fewer ways.",
        )
    episodes = []
    for _ in range(trials):
        person = several[draw.integers(len(several))]
        probe, shown = draw.choice(len(identities.pictures[person]), 2, replace=False)
        picks = [name for name in draw.permutation(len(everyone))[:ways] if everyone[name] != person]
        others = [everyone[pick] for pick in picks[: ways - 1]]
        support = [identities.pictures[person][shown]]
        for other in others:
            found = identities.pictures[other]
            support.append(found[draw.integers(len(found))])
        episodes.append(Episode(identities.pictures[person][probe], tuple(support)))
    return episodes


def open_set(
    identities: Identities, enrolled: int, mated: int, strangers: int, seed: int, number: int = 0
) -> OpenSetDraw:
    """Enrol people with one photo each; probe with their other photos and with strangers'.

    Strangers give one photo each before any gives a second, as far as there are enough of them. When
    there are fewer other photos than ``mated``, all of them are taken.

    Args:
        identities: everybody.
        enrolled: people in the gallery.
        mated: probes of them.
        strangers: probes of others.
        seed: of the draw.
        number: of the draw among several of one seed; none of them is another seed's.

    Raises:
        DataError: too few people with two pictures, or no strangers left.
    """
    # The seed last: where it is 0, numpy draws as if it were not there, as the published figures were drawn.
    draw = np.random.default_rng((number, enrolled, seed))
    several = [name for name, found in identities.pictures.items() if len(found) > 1]
    if len(several) < enrolled or len(identities.pictures) <= enrolled:
        raise DataError(
            f"{enrolled} people with two photos and some strangers are needed; "
            f"{len(several)} people have two photos.",
            hint="Enrol fewer.",
        )
    known = [several[place] for place in draw.permutation(len(several))[:enrolled]]
    gallery, probes = [], []
    for person in known:
        order = draw.permutation(len(identities.pictures[person]))
        photos = [identities.pictures[person][place] for place in order]
        gallery.append(photos[0])
        probes += [(photo, person) for photo in photos[1:]]
    picked = [probes[place] for place in draw.permutation(len(probes))[:mated]]
    unknown = sorted(set(identities.pictures) - set(known))
    rounds: list[tuple[int, float, str, str]] = []
    for person in unknown:
        for turn, place in enumerate(draw.permutation(len(identities.pictures[person]))):
            photo = identities.pictures[person][place]
            rounds.append((turn, float(draw.random()), photo, person))
    others = [(photo, person) for _, _, photo, person in sorted(rounds)[:strangers]]
    result = OpenSetDraw(
        gallery=tuple(gallery),
        gallery_people=tuple(known),
        mated=tuple(photo for photo, _ in picked),
        mated_people=tuple(person for _, person in picked),
        strangers=tuple(photo for photo, _ in others),
        stranger_people=tuple(person for _, person in others),
    )
    if set(result.stranger_people) & set(known) or set(result.mated) & set(gallery):
        raise AssertionError("an open-set draw mixed its sides")
    return result
