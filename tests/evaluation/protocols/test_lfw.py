"""The protocols on templates whose answer is known: no photo is looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.datasets import Archive, Identities, Lfw
from firstsight.errors import DataError, UsageError
from firstsight.evaluation import evaluate
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.open_set import Searches
from firstsight.evaluation.protocols.lfw import ALIGNED, OUTSIDE, PROTOCOLS, _fnir_fitted
from firstsight.evaluation.protocols.protocol import mean
from firstsight.models import Model
from firstsight.models.model import mark
from firstsight.twins.heads import build_head

PEOPLE, PHOTOS, EACH = 1200, 3, 30


@pytest.fixture(scope="module")
def lfw(tmp_path_factory: pytest.TempPathFactory) -> Lfw:
    lists = tmp_path_factory.mktemp("lists")
    pictures = {
        f"P{person:04d}": tuple(f"lfw/P{person:04d}/P{person:04d}_{n:04d}.jpg" for n in range(1, PHOTOS + 1))
        for person in range(PEOPLE)
    }
    rows = [f"10\t{EACH}"]
    for fold in range(10):
        people = [f"P{fold * EACH + number:04d}" for number in range(EACH)]
        rows += [f"{person}\t1\t2" for person in people]
        rows += [f"{a}\t1\t{b}\t3" for a, b in zip(people, people[1:] + people[:1], strict=True)]
    (lists / "pairs.txt").write_text("\n".join(rows) + "\n")
    # View 1's test part: the first 300 people.
    tested = [f"P{number:04d}" for number in range(10 * EACH)]
    for part, shown in (("Test", tested), ("Train", sorted(set(pictures) - set(tested)))):
        (lists / f"peopleDev{part}.txt").write_text(
            "\n".join([str(len(shown)), *(f"{person}\t{PHOTOS}" for person in shown)]) + "\n"
        )
    dev = [str(len(tested)), *(f"{person}\t1\t2" for person in tested)]
    dev += [f"{a}\t1\t{b}\t3" for a, b in zip(tested, tested[1:] + tested[:1], strict=True)]
    (lists / "pairsDevTest.txt").write_text("\n".join(dev) + "\n")
    sizes = {name: 1 for found in pictures.values() for name in found}
    return Lfw(Identities(Archive(Path("toy.tar"), sizes, lambda name: b""), pictures), lists)


def templates(lfw: Lfw, embeddings: NDArray[np.float32]) -> Templates:
    names = lfw.identities.names()
    found = np.asarray(embeddings.any(axis=1))
    return Templates(tuple(names), embeddings, found, {name: row for row, name in enumerate(names)})


@pytest.fixture
def perfect() -> NDArray[np.float32]:
    """A direction for each person, the same in all their photos."""
    rows = np.random.default_rng(0).normal(size=(PEOPLE, 128))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return np.repeat(rows, PHOTOS, axis=0).astype(np.float32)


def test_a_perfect_model_is_perfect(sface: Model, lfw: Lfw, perfect: NDArray[np.float32]) -> None:
    embedded = templates(lfw, perfect)
    found = {name: PROTOCOLS[name].measure(sface, lfw, embedded, 0) for name in PROTOCOLS}
    for name, protocol in PROTOCOLS.items():
        assert bool(found[name].curves) == protocol.curves
    for name, measure in (
        ("lfw-view2", "accuracy"),
        ("lfw-view2", "tar_at_far_1e-2"),
        ("n-way", "accuracy"),
        ("n-way", "faces_found"),
        ("lfw-view1", "accuracy"),
        ("lfw-view1", "one_shot_20_way"),
    ):
        shown = found[name].measures[measure]
        assert (shown.value, shown.high) == (1.0, 1.0)
        assert shown.low > 0.9  # of so many people, none of whom erred
    assert found["open-set"].measures["fnir"].value == 0
    assert found["open-set"].measures["fpir"].value < 0.01
    assert found["lfw-view2"].measures["accuracy"].n == 20 * EACH
    assert found["open-set"].settings["threshold"] == sface.calibrated().identification_threshold(0.01, 1000)


def test_without_thresholds_what_they_decide_is_left_out(
    sface: Model, lfw: Lfw, perfect: NDArray[np.float32]
) -> None:
    """As with further views, for which the model's own are none."""
    embedded = templates(lfw, perfect)
    plain = PROTOCOLS["open-set"].measure(sface, lfw, embedded, 0)
    found = PROTOCOLS["open-set"].measure(sface.with_views(mirrored=True), lfw, embedded, 0)
    assert plain.measures.keys() - found.measures.keys() == {"fpir", "fnir"}
    fitted = found.measures["fnir_with_threshold_set_on_the_strangers"]
    assert fitted.value == fitted.low == 0
    assert fitted.high > 0  # nobody was missed, which is not that nobody can be
    assert found.settings["threshold"] == "none: not calibrated"
    assert found.provenance["calibrated_on"] == ""


def test_view_1_says_what_a_twin_of_lfw_alone_owes_to_others(
    sface: Model, lfw: Lfw, perfect: NDArray[np.float32]
) -> None:
    """As View 2 says of the same recipe: YuNet found its faces."""
    own = replace(sface, identities=frozenset({mark("P1000")}), validated=frozenset({mark("P0000")}))
    own = replace(own, card=replace(own.card, trained_on="lfw.tar"))
    shown = templates(lfw, perfect)
    view1 = PROTOCOLS["lfw-view1"].measure
    assert view1(own, lfw, shown, 0).rule == f"{ALIGNED} The model was trained on: lfw.tar."
    # Whom a published one knows is not known.
    others = [sface, replace(own, validated=frozenset({mark("somebody of CelebA")}))]
    assert all(view1(model, lfw, shown, 0).rule.startswith(OUTSIDE) for model in others)


def test_a_wrong_pair_costs_its_share(sface: Model, lfw: Lfw, perfect: NDArray[np.float32]) -> None:
    # The second photo of three people looks like nobody: three mated pairs of 600 are lost.
    for person in (0, 100, 299):
        perfect[person * PHOTOS + 1] *= -1
    accuracy = PROTOCOLS["lfw-view2"].measure(sface, lfw, templates(lfw, perfect), 0).measures["accuracy"]
    assert accuracy.value == pytest.approx(1 - 3 / 600)
    assert accuracy.low < accuracy.value < accuracy.high


def test_a_photo_without_a_face_is_missed_not_left_out(
    sface: Model, lfw: Lfw, perfect: NDArray[np.float32]
) -> None:
    blind = np.random.default_rng(1).random(len(perfect)) < 0.1
    perfect[blind] = 0
    shown = templates(lfw, perfect)
    view2 = PROTOCOLS["lfw-view2"].measure(sface, lfw, shown, 0).measures
    mated = [(3 * person, 3 * person + 1) for person in range(10 * EACH)]
    lost = sum(bool(blind[left] or blind[right]) for left, right in mated)
    assert view2["faces_found"].value == pytest.approx(1 - blind.mean())
    assert view2["tar_at_far_1e-2"].value == pytest.approx(1 - lost / len(mated))
    missed = PROTOCOLS["open-set"].measure(sface, lfw, shown, 0).measures["fnir"].value
    # Either the enrolled photo or the probe shows no face.
    assert missed == pytest.approx(1 - 0.9**2, abs=0.03)


@pytest.mark.parametrize("head", ["euclidean", "weighted-l1"])
def test_two_photos_without_a_face_are_not_alike_by_any_head(
    sface: Model, lfw: Lfw, perfect: NDArray[np.float32], head: str
) -> None:
    """Their rows of zeros are at no distance from each other."""
    by_head = build_head(head, perfect.shape[1])
    for alpha in by_head.parameters():
        alpha.data.fill_(-1.0)
    twin = replace(sface, head=by_head)
    blind = np.zeros(len(perfect), np.bool_)
    # Two photos of each of 30 people whose three pairs, of theirs and with a neighbour, are in View 2.
    blind[[3 * person + photo for person in range(EACH) for photo in (0, 1)]] = True
    perfect[blind] = 0
    shown = templates(lfw, perfect)
    view2 = PROTOCOLS["lfw-view2"].measure(twin, lfw, shown, 0)
    assert view2.measures["tar_at_far_1e-2"].value == pytest.approx(1 - EACH / (10 * EACH))
    lost = [one for one in view2.examples if one.truth == 0 and one.answer is None]
    assert {one.scores for one in lost} == {(-1.0,)}
    # Nor are they in an open set: who is enrolled without a face is missed, and no stranger is them.
    found = PROTOCOLS["open-set"].measure(replace(twin, calibration=None), lfw, shown, 0).measures
    missed = found["fnir_with_threshold_set_on_the_strangers"].value
    assert 0 < missed < 2 * EACH / PEOPLE


def test_the_interval_of_a_fitted_threshold_knows_of_the_strangers(
    sface: Model, lfw: Lfw, perfect: NDArray[np.float32]
) -> None:
    """Were the threshold held still, nobody's misses would move with the strangers that set it."""
    draw = np.random.default_rng(4)
    runs, people, others = [], [], []
    for _ in range(2):
        # Mated scores lie evenly, strangers in steps: who of few strangers is drawn decides the threshold.
        mated = np.linspace(0.2, 0.8, 2000, dtype=np.float32)
        strangers = draw.uniform(0.2, 0.8, 200).astype(np.float32)
        runs.append(Searches(mated, np.ones(2000, np.bool_), strangers))
        people += [f"mated {number}" for number in range(2000)]
        others += [f"stranger {number}" for number in range(200)]
    found = _fnir_fitted(runs, people, others, 0)
    still = [run.false_negatives(run.threshold_at(0.01)) for run in runs]
    held = mean(np.concatenate(still), people, seed=0)
    assert (found.value, found.n) == (held.value, held.n)
    assert found.high - found.low > 1.3 * (held.high - held.low)
    # And the protocol uses it, with the figure that it had.
    shown = templates(lfw, (perfect + 0.1 * draw.normal(size=perfect.shape)).astype(np.float32))
    measures = PROTOCOLS["open-set"].measure(sface, lfw, shown, 0).measures
    name = "fnir_with_threshold_set_on_the_strangers"
    assert measures[name].n == measures["fnir"].n == 2000 * 5


def test_view_1_does_not_state_what_its_pairs_cannot_show(
    sface: Model, lfw: Lfw, perfect: NDArray[np.float32]
) -> None:
    """Of 300 pairs of strangers, one in a thousand is a third of a pair."""
    measures = PROTOCOLS["lfw-view1"].measure(sface, lfw, templates(lfw, perfect), 0).measures
    assert "tar_at_far_1e-2" in measures
    assert "tar_at_far_1e-3" not in measures


def test_chance_in_one_shot_is_one_in_all(sface: Model, lfw: Lfw) -> None:
    noise = np.random.default_rng(2).normal(size=(PEOPLE * PHOTOS, 128)).astype(np.float32)
    found = PROTOCOLS["n-way"].measure(sface, lfw, templates(lfw, noise), 0).measures
    assert found["accuracy"].value < 0.006
    assert found["accuracy_20_way"].value == pytest.approx(0.05, abs=0.025)


def test_the_seed_draws(sface: Model, lfw: Lfw) -> None:
    noise = np.random.default_rng(3).normal(size=(PEOPLE * PHOTOS, 8)).astype(np.float32)
    shown = templates(lfw, noise)
    first, again, other = (PROTOCOLS["n-way"].measure(sface, lfw, shown, seed) for seed in (1, 1, 2))
    assert first.measures == again.measures
    assert first.measures["accuracy_20_way"] != other.measures["accuracy_20_way"]


def test_what_cannot_be_measured(sface: Model, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lfw-view2"):
        evaluate(sface, "view3", tmp_path)
    with pytest.raises(DataError):
        evaluate(sface, "n-way", tmp_path)
