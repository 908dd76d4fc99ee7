"""Omniglot's protocols on templates whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.datasets import Archive
from firstsight.datasets.omniglot import RUN_ALPHABETS, Drawing, Omniglot, Run
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols import omniglot
from firstsight.evaluation.protocols.omniglot import PROTOCOLS
from firstsight.evaluation.protocols.protocol import Protocol
from firstsight.models import Model

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


@pytest.mark.parametrize("name", ["omniglot-runs", "omniglot-within"])
def test_chance_is_one_in_twenty(sface: Model, data: Omniglot, name: str) -> None:
    protocol = PROTOCOLS[name]
    accuracy = protocol.measure(sface, data, embedded(protocol, data, noise=1e6), 0).measures["accuracy"]
    assert accuracy.value == pytest.approx(0.05, abs=0.04)


def test_there_are_as_many_trials_as_the_issue_of_chance_needs(sface: Model, data: Omniglot) -> None:
    runs, within = (PROTOCOLS[name] for name in ("omniglot-runs", "omniglot-within"))
    assert runs.measure(sface, data, embedded(runs, data), 0).measures["accuracy"].n == 400
    assert within.measure(sface, data, embedded(within, data), 0).measures["accuracy"].n >= 20_000


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
