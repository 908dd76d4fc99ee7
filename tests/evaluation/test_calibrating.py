from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.datasets import open_identities
from firstsight.errors import DataError
from firstsight.evaluation.calibrating import (
    EDGES,
    calibrate,
    calibrate_templates,
    compare,
    corrected,
    false_match_rates,
    operating_points,
    survival,
    tail,
    threshold_at,
    wrong_identities,
)
from firstsight.evaluation.embedding import Templates
from firstsight.models import Model

CENTRES = (EDGES[:-1] + EDGES[1:]) / 2


def cosine(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    return left @ right.T


def photos(people: int, each: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    draw = np.random.default_rng(seed)
    middles = draw.normal(size=(people, 32))
    rows = np.repeat(middles, each, axis=0) + 0.6 * draw.normal(size=(people * each, 32))
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit.astype(np.float32), np.repeat([f"{number:04d}" for number in range(people)], each)


def bell(middle: float, spread: float, weight: float) -> NDArray[np.float64]:
    values = np.exp(-((CENTRES - middle) ** 2) / (2 * spread**2))
    return np.asarray(weight * values / values.sum())


def test_every_pair_is_counted_once() -> None:
    embeddings, labels = photos(60, 3)
    impostor, mated = compare(cosine, embeddings, labels, seed=0).drawn(np.ones(40))
    scores = embeddings @ embeddings.T
    upper = np.triu(np.ones(scores.shape, bool), 1)
    same = labels[:, None] == labels[None, :]
    assert impostor.sum() == (upper & ~same).sum()
    assert mated.sum() == (upper & same).sum() == 60 * 3
    for counts, part in ((impostor, upper & ~same), (mated, upper & same)):
        above = np.cumsum(counts[::-1])[::-1]
        for edge in (1000, 2000, 2500, 3000):
            assert above[edge] == pytest.approx((scores[part] >= EDGES[edge]).sum(), abs=2)


def test_a_group_drawn_twice_does_not_meet_itself_as_others() -> None:
    embeddings, labels = photos(80, 2)
    counted = compare(cosine, embeddings, labels, seed=0)
    weights = np.zeros(40)
    weights[:2] = 2, 1
    impostor, mated = counted.drawn(weights)
    alone = [counted.impostor[place, place].sum() for place in range(2)]
    between = 2 * counted.impostor[0, 1].sum()
    assert impostor.sum() == 2 * alone[0] + alone[1] + 2 * between
    assert mated.sum() == 2 * counted.mated[0].sum() + counted.mated[1].sum()


def test_thresholds_of_a_known_distribution() -> None:
    impostor, mated = bell(0.0, 0.1, 1e9), bell(0.6, 0.05, 1e6)
    rates = false_match_rates(impostor, mated)
    # Quantiles of the normal distribution.
    for fmr, deviations in ((1e-2, 2.3263), (1e-3, 3.0902), (1e-4, 3.7190)):
        assert threshold_at(rates, fmr) == pytest.approx(0.1 * deviations, abs=5e-4)


def test_people_under_two_identities_do_not_raise_the_thresholds() -> None:
    clean, mated = bell(0.0, 0.1, 1e9), bell(0.6, 0.05, 1e6)
    dirty = clean + bell(0.6, 0.05, 2e4)
    assert wrong_identities(dirty, mated) == pytest.approx(2e-5, rel=0.02)
    for fmr in (1e-3, 1e-4):
        honest = threshold_at(false_match_rates(clean, mated), fmr)
        assert threshold_at(false_match_rates(dirty, mated), fmr) == pytest.approx(honest, abs=1e-3)
    assert corrected(dirty, mated).sum() == pytest.approx(1e9, rel=1e-4)
    assert (corrected(dirty, mated) >= 0).all()


@pytest.mark.parametrize("middle", [0.05, 0.15, 0.25])
def test_a_weak_twin_gets_no_thresholds_that_are_too_low(middle: float) -> None:
    """Where everybody is alike, what strangers reach is no sign of people under two identities."""
    impostor, mated = bell(0.0, 0.1, 1e9), bell(middle, 0.1, 1e6)
    assert wrong_identities(impostor, mated) == 0
    for fmr, deviations in ((1e-2, 2.3263), (1e-3, 3.0902), (1e-4, 3.7190)):
        threshold = threshold_at(false_match_rates(impostor, mated), fmr)
        assert threshold == pytest.approx(0.1 * deviations, abs=5e-4)


def test_scores_of_two_kinds_only_have_no_tail() -> None:
    rates = np.zeros(len(EDGES) - 1)
    rates[: len(rates) // 2] = 1
    with pytest.raises(DataError, match="too few"):
        tail(rates)


def test_the_tail_goes_on_as_the_distribution_does() -> None:
    # For a normal distribution log FMR is nearly a parabola: the continuation must follow it.
    knots = dict(tail(false_match_rates(bell(0.0, 0.1, 1e9), bell(0.6, 0.05, 1e6))))
    assert list(knots) == sorted(knots)
    assert knots[-6.0] == pytest.approx(0.47534, abs=0.004)
    assert knots[-8.0] == pytest.approx(0.56120, abs=0.012)
    thresholds = list(knots.values())
    assert all(b < a for a, b in pairwise(thresholds))


def test_intervals_hold_the_truth_and_narrow_with_more_people() -> None:
    few = operating_points(compare(cosine, *photos(80, 3), 0), [1e-2], seed=0)[0]
    many = operating_points(compare(cosine, *photos(1200, 3, seed=5), 0), [1e-2], seed=0)[0]
    assert few.low <= few.threshold <= few.high
    assert many.low <= many.threshold <= many.high
    assert many.high - many.low < 0.6 * (few.high - few.low)
    assert 0 <= many.fnmr <= 1


def test_survival_starts_at_one_and_falls() -> None:
    shares = survival(np.array([1.0, 2.0, 1.0]))
    assert shares.tolist() == [1.0, 0.75, 0.25]


def test_it_tells_the_views_that_it_was_made_with(sface: Model) -> None:
    """And is not taken for one of others."""
    model = sface.with_views(mirrored=True, shifted=2)
    found = calibrate_templates(model, *photos(120, 3), {"data": "toy"}, 0)
    assert (found.provenance["mirrored"], found.provenance["shifted"]) == (True, 2)
    assert found.made_for(model.preprocessing)
    assert not found.made_for(sface.preprocessing)


def test_too_few_people_are_refused_before_anything_is_embedded(
    sface: Model, people: dict[str, list[Path]]
) -> None:
    folder = next(iter(people.values()))[0].parents[1]
    shown: list[int] = []
    with pytest.raises(DataError, match="12 identities"):
        calibrate(sface, open_identities(folder), progress=lambda done, _: shown.append(done))
    assert not shown


def test_who_is_left_out_moves_no_threshold(
    sface: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten people who all look alike, and would raise every one of them."""
    rows, labels = photos(220, 2)
    names = [f"{label}/{place}.png" for place, label in enumerate(labels)]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    test = sorted(set(labels))[:10]
    alike = rows[0] + 0.5 * rows[np.isin(labels, test)]
    rows[np.isin(labels, test)] = alike / np.linalg.norm(alike, axis=1, keepdims=True)
    rows[-1] = 0.0  # no face was found
    identities = open_identities(tmp_path)
    order = [names.index(name) for name in identities.names()]
    seen = np.asarray(rows[order].any(axis=1))
    templates = Templates(tuple(identities.names()), rows[order], seen, {})
    monkeypatch.setattr("firstsight.evaluation.calibrating.embed_pictures", lambda *_, **__: templates)
    found = calibrate(sface, identities, without=frozenset(test))
    kept = (labels > test[-1]) & rows.any(axis=1)
    expected = calibrate_templates(sface, rows[kept], labels[kept], {}, 0)
    assert [point.threshold for point in found.points] == [point.threshold for point in expected.points]
    told = ("people", "people_left_out", "photos_without_face")
    assert [found.provenance[name] for name in told] == [210, 10, 1]
    assert calibrate(sface, identities).points[1].threshold > found.points[1].threshold + 0.1
    with pytest.raises(DataError, match="has 199 identities"):
        calibrate(sface, identities, without=frozenset(sorted(set(labels))[:21]))
    templates.found[np.isin(np.array(identities.labels()), test)] = False
    with pytest.raises(DataError, match="has 199 people with a face"):
        calibrate(sface, identities, without=frozenset(sorted(set(labels))[10:21]))


def test_a_twin_that_tells_nobody_apart_gets_no_thresholds(sface: Model) -> None:
    """Its evidence would be of one level, and its file would not open again."""
    draw = np.random.default_rng(0)
    # One person's two photos are opposites, less alike than any two people's.
    rows = np.repeat(draw.normal(size=(100, 32)), 2, axis=0) * np.tile([[1], [-1]], (100, 1))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    labels = np.repeat([f"{number:04d}" for number in range(100)], 2)
    with pytest.raises(DataError, match="does not tell these 100 identities apart") as caught:
        calibrate_templates(sface, unit, labels, {"data": "toy"}, 0)
    assert caught.value.hint
