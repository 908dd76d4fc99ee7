"""View 2 by several models: each fold by one that has seen nobody of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firstsight.datasets import Archive, open_lfw
from firstsight.errors import DataError, UsageError
from firstsight.evaluation import evaluate_folds
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols import folds as module
from firstsight.evaluation.protocols.lfw import ALIGNED, INSIDE, OUTSIDE
from firstsight.models import Model
from firstsight.models.model import mark

EACH = 6
Embed = Callable[..., Templates]


def person(fold: int, number: int) -> str:
    return f"P{fold * EACH + number:03d}"


@pytest.fixture
def lfw(tmp_path: Path) -> Path:
    """Ten folds of six people, with two empty photos each."""
    folds = [[person(fold, number) for number in range(EACH)] for fold in range(10)]
    pairs, people = [f"10\t{EACH}"], ["10"]
    for names in folds:
        people += [str(EACH), *(f"{name}\t2" for name in names)]
        pairs += [f"{name}\t1\t2" for name in names]
        pairs += [f"{a}\t1\t{b}\t2" for a, b in zip(names, names[1:] + names[:1], strict=True)]
        for name in names:
            (tmp_path / "lfw" / name).mkdir(parents=True)
            for number in (1, 2):
                (tmp_path / "lfw" / name / f"{name}_{number:04d}.jpg").write_bytes(b"x")
    (tmp_path / "pairs.txt").write_text("\n".join(pairs) + "\n")
    (tmp_path / "people.txt").write_text("\n".join(people) + "\n")
    return tmp_path


def trained_without(sface: Model, *folds: int) -> Model:
    """A model that remembers everybody but the people of those folds, from 1."""
    known = {person(fold - 1, n) for fold in range(1, 11) if fold not in folds for n in range(EACH)}
    card = replace(sface.card, trained_on=f"all but {folds}")
    return replace(sface, identities=frozenset(map(mark, known)), card=card, digest=f"without {folds}")


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[str]]]:
    """Which model embedded whom; everybody has a direction of their own, turned by the model."""
    seen: list[tuple[str, set[str]]] = []

    def embed(model: Model, archive: Archive, names: Sequence[str], *, progress: object) -> Templates:
        seen.append((model.digest, {name.split("/")[-2] for name in names}))
        rows = np.zeros((len(names), 64), np.float32)
        for row, name in enumerate(names):
            rows[row, int(name.split("/")[-2][1:])] = 1
        return Templates(
            tuple(names), rows, np.ones(len(names), np.bool_), {name: row for row, name in enumerate(names)}
        )

    monkeypatch.setattr(module, "embed_pictures", embed)
    return seen


def test_each_fold_is_scored_by_who_has_not_seen_it(
    sface: Model, lfw: Path, embedded: list[tuple[str, set[str]]]
) -> None:
    late, early = trained_without(sface, 6, 7, 8, 9, 10), trained_without(sface, 1, 2, 3, 4, 5)
    found = evaluate_folds([late, early], lfw)
    people = open_lfw(lfw).fold_people()
    assert [digest for digest, _ in embedded] == [early.digest] * 5 + [late.digest] * 5
    assert [shown for _, shown in embedded] == [set(fold) for fold in people]
    assert found.measures["accuracy"].value == 1
    assert found.measures["accuracy"].n == 10 * 2 * EACH
    assert found.settings["models"] == 2
    assert found.provenance["model_digest"] == f"{late.digest}, {early.digest}"
    assert late.card.trained_on in found.rule
    assert early.card.trained_on in found.rule


def test_twins_of_lfw_alone_are_told_from_those_of_others(
    sface: Model, lfw: Path, embedded: list[tuple[str, set[str]]]
) -> None:
    late, early = trained_without(sface, 6, 7, 8, 9, 10), trained_without(sface, 1, 2, 3, 4, 5)
    rule = "Each fold is scored by a twin that has seen nobody of it. Trained on: "
    known = f"{late.card.trained_on}; {early.card.trained_on}."
    # Alignment by what others trained on other pictures is outside data too.
    assert evaluate_folds([late, early], lfw).rule == f"{ALIGNED} {rule}{known}"
    assert "label-free outside data: YuNet" in ALIGNED
    whole = [replace(one, preprocessing=replace(one.preprocessing, points=())) for one in (late, early)]
    assert evaluate_folds(whole, lfw).rule == f"{INSIDE} {rule}{known}"
    taught = replace(early, card=replace(early.card, trained_on=f"{early.card.trained_on}, taught by sface"))
    stranger = frozenset({mark("somebody of CelebA")})
    for other in (
        replace(early, identities=early.identities | stranger),
        replace(early, validated=stranger),
        taught,
    ):
        said = evaluate_folds([late, other], lfw).rule
        assert said.startswith(f"{OUTSIDE} {rule}")
        assert other.card.trained_on in said
    # Nobody of it is in LFW at all.
    abroad = replace(sface, identities=stranger)
    assert evaluate_folds([abroad, abroad], lfw).rule.startswith(OUTSIDE)


def test_a_model_that_is_named_twice_is_one(
    sface: Model, lfw: Path, embedded: list[tuple[str, set[str]]]
) -> None:
    model = trained_without(sface, *range(1, 11))
    model = replace(model, identities=frozenset({mark("somebody else")}))
    for twice in ([model, model], [model, replace(model)]):
        found = evaluate_folds(twice, lfw)
        assert found.settings["models"] == 1
        assert found.provenance["model_digest"] == model.digest


def test_a_fold_that_every_model_has_seen_is_refused(
    sface: Model, lfw: Path, embedded: list[tuple[str, set[str]]]
) -> None:
    models = [trained_without(sface, 1, 2, 3), trained_without(sface, *range(5, 11))]
    with pytest.raises(DataError, match="somebody of fold 4") as caught:
        evaluate_folds(models, lfw)
    assert "fold-4" in caught.value.hint
    assert not embedded


def test_nor_is_a_fold_scored_by_a_model_that_it_chose(
    sface: Model, lfw: Path, embedded: list[tuple[str, set[str]]]
) -> None:
    late, early = trained_without(sface, 6, 7, 8, 9, 10), trained_without(sface, 1, 2, 3, 4, 5)
    chosen = replace(early, validated=frozenset({mark(person(2, 0))}))
    with pytest.raises(DataError, match="somebody of fold 3, or chosen by them"):
        evaluate_folds([late, chosen], lfw)
    assert not embedded


def test_models_must_be_of_one_recipe_and_say_whom_they_know(
    sface: Model, lfw: Path, embedded: list[tuple[str, set[str]]]
) -> None:
    model = trained_without(sface, *range(1, 11))
    with pytest.raises(DataError, match="whom it was trained on"):
        evaluate_folds([replace(model, identities=frozenset())], lfw)
    one = trained_without(sface, 1)
    for other in (replace(one, name="other"), one.with_views(mirrored=True)):
        with pytest.raises(UsageError, match="not of one recipe"):
            evaluate_folds([one, other], lfw)
    assert not embedded
