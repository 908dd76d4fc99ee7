"""The protocol on templates whose answer is known: no photo is looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firstsight.datasets import Archive, Identities, Lfw, Pair
from firstsight.evaluation.degradations import DEGRADATIONS
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols.robustness import PROTOCOLS, Degraded, robustness
from firstsight.models import Model

PEOPLE = 60
STEPS = [one.folder(level) for one in DEGRADATIONS for level in one.levels]


@pytest.fixture
def data() -> Degraded:
    names = [(f"lfw/P{n:02d}/1.jpg", f"lfw/P{n:02d}/2.jpg") for n in range(PEOPLE)]
    people = [f"P{n:02d}" for n in range(PEOPLE)]
    mated = [Pair(*names[n], people[n], people[n]) for n in range(PEOPLE)]
    others = [
        Pair(names[n][0], names[(n + 1) % PEOPLE][1], people[n], people[(n + 1) % PEOPLE])
        for n in range(PEOPLE)
    ]
    pairs = tuple(pair for two in zip(mated, others, strict=True) for pair in two)
    sizes = {name: 1 for two in names for name in two}
    pictures = dict(zip(people, names, strict=True))
    archive = Archive(Path("toy.tar"), sizes, lambda name: b"")
    return Degraded(Lfw(Identities(archive, pictures), Path()), pairs, archive)


def templates(data: Degraded, lost: dict[str, int]) -> Templates:
    """A direction for each person; in a step, so many people's photos show no face."""
    names = data.names()
    rows = np.zeros((len(names), 128), np.float32)
    for row, name in enumerate(names):
        person = int(name.split("/")[-2][1:])
        if person >= lost.get(name.partition("/")[0], 0):
            rows[row, person] = 1
    found = np.asarray(rows.any(axis=1))
    return Templates(tuple(names), rows, found, {name: row for row, name in enumerate(names)})


def test_every_step_of_every_photo_is_embedded_once(data: Degraded) -> None:
    names = data.names()
    assert len(names) == len(set(names)) == 2 * PEOPLE + len(STEPS) * PEOPLE
    # The first photo of a pair stays as it was.
    assert not any("/1.jpg" in name for name in names[2 * PEOPLE :])


def test_what_a_step_costs(sface: Model, data: Degraded) -> None:
    found = robustness(sface, data, templates(data, {"small-16": 12, "dark-0.1": PEOPLE}), 0)
    assert found.measures["accuracy"].value == 1
    # A photo without a face is like nobody: of 120 pairs the 12 mated ones are lost.
    assert found.measures["accuracy_small-16"].value == pytest.approx(1 - 12 / 120)
    assert found.measures["faces_found_small-16"].value == pytest.approx(1 - 24 / 120)
    assert found.measures["accuracy_dark-0.1"].value == 0.5
    for step in set(STEPS) - {"small-16", "dark-0.1"}:
        assert found.measures[f"accuracy_{step}"].value == 1
        assert found.measures[f"faces_found_{step}"].value == 1
    assert PROTOCOLS["robustness"].curves
    (curve,) = found.curves
    assert len(curve.lines) == len(DEGRADATIONS)
    (line,) = [values for name, (_, values) in curve.lines.items() if name.startswith("small")]
    assert line.tolist() == [100, 100, 100, 100, 90]


def test_thresholds_are_those_of_the_photos_as_they_were(sface: Model, data: Degraded) -> None:
    """Were they chosen on the degraded pairs, a constant offset of their scores would cost nothing."""
    shown = templates(data, {})
    place = {name: row for row, name in enumerate(shown.names)}
    for person in range(PEOPLE):
        row = shown.embeddings[place[f"blurred-0.08/lfw/P{person:02d}/2.jpg"]]
        row[:] = 0
        row[person], row[100] = 0.45, np.sqrt(1 - 0.45**2)  # mated 0.45: more than others, less than 0.5
    measures = robustness(sface, data, shown, 0).measures
    assert measures["accuracy"].value == 1
    assert measures["accuracy_blurred-0.08"].value == 0.5
