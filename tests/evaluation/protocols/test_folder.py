from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firstsight.datasets import Archive, Identities
from firstsight.errors import DataError
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols.folder import PROTOCOLS, transfer
from firstsight.models import Model
from firstsight.twins.heads import build_head


def digits(people: int, each: int) -> Identities:
    pictures = {f"{name}": tuple(f"{name}/{number}.png" for number in range(each)) for name in range(people)}
    sizes = {name: 1 for found in pictures.values() for name in found}
    return Identities(Archive(Path("digits"), sizes, lambda name: b""), pictures)


def embedded(data: Identities, noise: float) -> Templates:
    draw = np.random.default_rng(0)
    middles = {name: draw.normal(size=32) for name in data.pictures}
    rows = np.stack([middles[name] + noise * draw.normal(size=32) for name in data.labels()])
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    names = data.names()
    places = {name: row for row, name in enumerate(names)}
    return Templates(tuple(names), unit, np.ones(len(names), np.bool_), places)


def test_ten_digits_are_told_apart(sface: Model) -> None:
    data = digits(10, 8)
    perfect = transfer(sface, data, embedded(data, 0.05), 0)
    assert perfect.settings["ways"] == 10
    assert bool(perfect.curves) == PROTOCOLS["transfer"].curves
    assert perfect.measures["accuracy"].value == perfect.measures["accuracy_5_shot"].value == 1.0
    blind = transfer(sface, data, embedded(data, 1e6), 0)
    assert blind.measures["accuracy"].value == pytest.approx(0.1, abs=0.06)


def test_five_shots_know_more_than_one(sface: Model) -> None:
    data = digits(10, 12)
    found = transfer(sface, data, embedded(data, 1.5), 0).measures
    assert found["accuracy_5_shot"].value > found["accuracy"].value + 0.05


def test_each_figure_says_among_how_many_it_is(sface: Model) -> None:
    """Few have pictures enough for five shots; those do not make the one-shot figure an easier one."""
    data = digits(20, 8)
    few = {
        name: found if number < 3 else found[:2] for number, (name, found) in enumerate(data.pictures.items())
    }
    data = Identities(data.archive, few)
    settings = transfer(sface, data, embedded(data, 0.05), 0).settings
    assert (settings["ways"], settings["ways_5_shot"]) == (20, 3)


def test_who_has_one_picture_stands_beside_those_who_are_asked_for(sface: Model) -> None:
    """Left out, they would make it a task among three where the rule says that twenty were shown."""
    data = digits(40, 2)
    one = {name: found if int(name) < 3 else found[:1] for name, found in data.pictures.items()}
    data = Identities(data.archive, one)
    found = transfer(sface, data, embedded(data, 1e6), 0)
    assert found.settings["ways"] == 20
    assert "20 identities, one picture of each shown, drawn out of 40" in found.rule
    assert {example.probe.split("/")[0] for example in found.examples} <= {"0", "1", "2"}
    assert {len(set(example.support)) for example in found.examples} == {20}


def test_the_probe_is_never_among_what_is_shown(sface: Model) -> None:
    # With two pictures each, a probe that met itself would be right in every trial.
    data = digits(10, 2)
    found = transfer(sface, data, embedded(data, 1e6), 0)
    assert found.measures["accuracy"].value < 0.3
    assert "accuracy_5_shot" not in found.measures


def test_what_shows_no_face_is_nobody_by_a_euclidean_head(sface: Model) -> None:
    """Two rows of zeros are at no distance from each other, and would be one identity."""
    data = digits(2, 2)
    shown = embedded(data, 0.05)
    blind = np.array([name.startswith("0/") for name in shown.names])
    shown = replace(shown, embeddings=np.where(blind[:, None], 0, shown.embeddings), found=~blind)
    found = transfer(replace(sface, head=build_head("euclidean", 32)), data, shown, 0)
    # The worst mistakes are shown: all of them its probes, which are like nobody.
    assert {one.probe[:2] for one in found.examples} == {"0/"}
    assert {one.scores for one in found.examples} == {(-1.0, -1.0)}
    # Probes of the other are known all the same.
    assert found.measures["accuracy"].value == pytest.approx(0.5, abs=0.06)


def test_too_few(sface: Model) -> None:
    data = digits(1, 5)
    with pytest.raises(DataError, match="1 identities"):
        transfer(sface, data, embedded(data, 1), 0)
