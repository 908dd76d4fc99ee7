"""Omniglot's protocols on templates whose answer is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.datasets import Archive
from firstsight.datasets.omniglot import RUN_ALPHABETS, Drawing, Omniglot, Run, paper_split
from firstsight.errors import DataError
from firstsight.evaluation import protocols as room
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols import omniglot
from firstsight.evaluation.protocols.omniglot import PROTOCOLS
from firstsight.evaluation.protocols.protocol import Protocol
from firstsight.models import Model
from firstsight.models.model import mark

CHARACTERS, DIMENSION = 22, 128


def archive(names: list[str]) -> Archive:
    return Archive(Path("toy.zip"), dict.fromkeys(names, 1), lambda name: b"")


@pytest.fixture(scope="module")
def data() -> Omniglot:
    """As many alphabets and drawers as there are, and fewer characters."""
    alphabets = [*sorted(RUN_ALPHABETS), *(f"Other{number}" for number in range(10))]
    drawings = tuple(
        Drawing(f"e/{alphabet}/character{number:02d}/{drawer:02d}.png", alphabet, character, drawer)
        for alphabet in alphabets
        for number in range(CHARACTERS)
        for character in [f"{alphabet}/character{number:02d}"]
        for drawer in range(1, 21)
    )
    runs = tuple(
        Run(
            tuple(f"run{run:02d}/class{place:02d}.png" for place in range(20)),
            tuple(f"run{run:02d}/item{place:02d}.png" for place in range(20)),
            tuple((place * 7 + run) % 20 for place in range(20)),
        )
        for run in range(20)
    )
    shown = [name for run in runs for name in (*run.support, *run.probes)]
    evaluated = archive([one.name for one in drawings]), drawings
    return Omniglot((archive([]), ()), evaluated, (archive(shown), runs))


def templates(names: list[str], identity: Callable[[str], str], noise: float) -> Templates:
    """A direction for each identity, and some noise for each picture."""
    draw = np.random.default_rng(0)
    everyone = {key: draw.normal(size=DIMENSION) for key in dict.fromkeys(map(identity, names))}
    rows = np.stack([everyone[identity(name)] + noise * draw.normal(size=DIMENSION) for name in names])
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    found = np.ones(len(names), dtype=np.bool_)
    return Templates(tuple(names), unit, found, {name: row for row, name in enumerate(names)})


def embedded(protocol: Protocol[Omniglot], data: Omniglot, noise: float = 0.1) -> Templates:
    names = list(protocol.pictures(data)[1])
    if protocol is not PROTOCOLS["omniglot-runs"]:
        return templates(names, lambda name: name.rsplit("/", 1)[0], noise)
    shows = {
        probe: run.support[truth]
        for run in data.runs[1]
        for probe, truth in zip(run.probes, run.truth, strict=True)
    }
    return templates(names, lambda name: shows.get(name, name), noise)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_perfect_model_is_perfect(sface: Model, data: Omniglot, name: str) -> None:
    protocol = PROTOCOLS[name]
    found = protocol.measure(sface, data, embedded(protocol, data), 0)
    assert found.protocol == name
    assert found.measures["accuracy"].value == 1.0
    assert all(example.right for example in found.examples)
    assert bool(found.curves) == protocol.curves


@pytest.mark.parametrize("name", ["omniglot-runs", "omniglot-within"])
def test_chance_is_one_in_twenty(sface: Model, data: Omniglot, name: str) -> None:
    protocol = PROTOCOLS[name]
    accuracy = protocol.measure(sface, data, embedded(protocol, data, noise=1e6), 0).measures["accuracy"]
    assert accuracy.value == pytest.approx(0.05, abs=0.04)


def test_there_are_as_many_trials_as_the_issue_of_chance_needs(sface: Model, data: Omniglot) -> None:
    runs, within = (PROTOCOLS[name] for name in ("omniglot-runs", "omniglot-within"))
    assert runs.measure(sface, data, embedded(runs, data), 0).measures["accuracy"].n == 400
    assert within.measure(sface, data, embedded(within, data), 0).measures["accuracy"].n >= 20_000


@pytest.mark.parametrize("name", ["omniglot-within", "omniglot-pairs"])
def test_trials_of_an_alphabet_do_not_narrow_the_interval(
    sface: Model, data: Omniglot, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A model that fails at half of the alphabets may fail at a third or at two thirds of others."""
    monkeypatch.setattr(omniglot, "PAIRS", 2000)
    protocol = PROTOCOLS[name]
    shown = embedded(protocol, data)
    alphabets = sorted(RUN_ALPHABETS)[::2] + [f"Other{number}" for number in range(0, 10, 2)]
    for row, picture in enumerate(shown.names):
        if picture.split("/")[1] in alphabets:
            shown.embeddings[row] = shown.embeddings[0]
    accuracy = protocol.measure(sface, data, shown, 0).measures["accuracy"]
    assert accuracy.high - accuracy.low > 0.25


def test_a_wrong_answer_is_shown_first(sface: Model, data: Omniglot) -> None:
    protocol = PROTOCOLS["omniglot-runs"]
    shown = embedded(protocol, data)
    run = data.runs[1][3]
    probe, wrong = run.probes[5], run.support[(run.truth[5] + 1) % 20]
    shown.embeddings[shown.places[probe]] = shown.embeddings[shown.places[wrong]]
    found = protocol.measure(sface, data, shown, 0)
    assert found.measures["accuracy"].value == pytest.approx(399 / 400)
    worst = found.examples[0]
    assert (worst.probe, worst.right, worst.truth) == (probe, False, 0)
    assert worst.answer is not None
    assert worst.support[worst.answer] == wrong


def test_trials_stay_within_an_alphabet_and_take_two_drawers(sface: Model, data: Omniglot) -> None:
    protocol = PROTOCOLS["omniglot-within"]
    for example in protocol.measure(sface, data, embedded(protocol, data), 0).examples:
        everything = [name.split("/") for name in (example.probe, *example.support)]
        assert len({alphabet for _, alphabet, _, _ in everything}) == 1
        assert len({character for _, _, character, _ in everything[1:]}) == 20
        assert everything[0][3] != everything[1][3]


def test_of_ten_alphabets_as_many_trials_are_drawn(sface: Model, data: Omniglot) -> None:
    found = {}
    for name in ("omniglot-within", "omniglot-within-10"):
        protocol = PROTOCOLS[name]
        found[name] = protocol.measure(sface, data, embedded(protocol, data), 0)
        archive, names = protocol.pictures(data)
        assert archive is data.evaluation[0]
        alphabets = {picture.split("/")[-3] for picture in names}
        assert found[name].protocol == name
        assert found[name].settings["alphabets"] == len(alphabets)
    assert alphabets == set(RUN_ALPHABETS)
    (whole, ten) = (found[name].measures["accuracy"].n for name in found)
    assert ten == pytest.approx(whole, rel=0.2)


def test_who_validated_is_not_who_is_tested(
    sface: Model, data: Omniglot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the paper's split ten of the twenty alphabets validate: runs and pairs are of the ten others."""
    monkeypatch.setattr(omniglot, "PAIRS", 200)
    known = frozenset(mark(one.character) for one in paper_split(data, "validation"))
    chosen = dataclasses.replace(sface, validated=known)
    for name, protocol in PROTOCOLS.items():
        shown = embedded(protocol, data)
        opened = dataclasses.replace(protocol, open=lambda path: data)
        monkeypatch.setitem(room.PROTOCOLS, name, opened)
        monkeypatch.setattr(room, "embed_pictures", lambda *_, shown=shown, **__: shown)
        if name == "omniglot-within":
            with pytest.raises(DataError, match="was chosen by 220 of the identities of omniglot-within"):
                room.evaluate(chosen, name, Path())
        else:
            found = room.evaluate(chosen, name, Path())
            assert found.rule == room.evaluate(sface, name, Path()).rule
    tested = dataclasses.replace(sface, validated=frozenset({mark(f"{min(RUN_ALPHABETS)}/character00")}))
    for name in PROTOCOLS:
        with pytest.raises(DataError, match="chosen by 1 of"):
            room.evaluate(tested, name, Path())


def test_the_threshold_of_pairs_comes_from_those_that_validate(
    sface: Model, data: Omniglot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(omniglot, "PAIRS", 2000)
    protocol = PROTOCOLS["omniglot-pairs"]
    shown = embedded(protocol, data)
    honest = protocol.measure(sface, data, shown, 0)
    # All pictures of the test alphabets become alike: with a threshold of their own, half would be right;
    # with that of the others, everything is called the same, which is right for half as well, and the
    # threshold has not moved.
    for row, name in enumerate(shown.names):
        if name.split("/")[1] in RUN_ALPHABETS:
            shown.embeddings[row] = 0.9 * shown.embeddings[0] + 0.1 * shown.embeddings[row]
    fooled = protocol.measure(sface, data, shown, 0)
    assert fooled.settings["threshold"] == honest.settings["threshold"]
    assert fooled.measures["accuracy"].value == pytest.approx(0.5)
