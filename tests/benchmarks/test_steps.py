from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.card import measured, steps_of
from benchmarks.steps import CUTTING, STAGES, Stepper

from benchmarks import card
from firstsight.training import Recipe, read_recipe, shipped

SMALL = ("tower.widths=[8]", "tower.depths=[1]", "tower.dimension=16", "data.size=16", "data.oversample=1")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def small() -> Recipe:
    return read_recipe("omniglot-modern", [*SMALL, "sampler.size=8", "precision='fp32'"])


def test_every_stage_is_timed_for_every_step(small: Recipe, tmp_path: Path) -> None:
    stepper = Stepper(small, CPU)
    before = [value.detach().clone() for value in stepper.twin.tower.parameters()]
    found = stepper.stages(4)
    assert set(found) == {*STAGES, CUTTING}
    assert all(found[stage].rounds == 4 for stage in STAGES)
    assert all(timing.fastest > 0 for timing in found.values())
    # The steps are real ones.
    assert any(
        not torch.equal(old, new) for old, new in zip(before, stepper.twin.tower.parameters(), strict=True)
    )
    assert stepper.pictures == 8
    assert stepper.whole(3, tmp_path / "run").rounds == 3


def test_there_are_as_many_steps_as_asked_for_however_short_an_epoch_is(small: Recipe) -> None:
    data = replace(small.data, turned=False, mirrored=False)
    stepper = Stepper(replace(small, data=data, sampler=replace(small.sampler, size=1000)), CPU)
    assert len(stepper.sampler) == 2
    assert stepper.stages(4)[STAGES[0]].rounds == 4


def test_noise_fills_the_batches_of_every_shipped_recipe() -> None:
    for name in shipped():
        changes = [*SMALL, "tower.name='residual'", "tower.start=''", "tower.narrow=[]"]
        recipe = read_recipe(name, [*changes, "teacher.model=''", "precision='fp32'"])
        stepper = Stepper(recipe, CPU)
        assert len(stepper.sampler) > 0, name
        assert len(np.unique(stepper.sampler.batch(0, 0).labels)) > 1


def test_a_teacher_is_imitated() -> None:
    changes = ["sampler.size=2", "tower.narrow=[]", "precision='fp32'"]
    stepper = Stepper(read_recipe("faces-distilled", changes), CPU)
    assert stepper.targets is not None
    assert stepper.stages(1)["loss"].median > 0


def test_figures_of_a_device(small: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "steps_of", lambda _: 120)
    values = measured(CPU, [small], side=64, batch=4, rounds=1, steps=1)
    found = values["recipes"]["omniglot-modern"]
    assert values["rate"]["value"] > 0
    assert found["share_of_rate"]["value"] > 0
    assert found["training"]["value"] == pytest.approx(120 * found["step"]["value"] / 60_000)
    assert found["images_per_second"]["value"] == pytest.approx(
        4000 / found["timings"]["embedding"]["median_ms"], rel=1e-2
    )


def test_how_many_steps_a_training_has(tmp_path: Path) -> None:
    by_identity = read_recipe("omniglot-koch")
    assert steps_of(by_identity, tmp_path) == by_identity.sampler.steps * by_identity.schedule.epochs
    shuffled = read_recipe("lfw-only")
    # Only its data tell; a run that was made says it, also of another number of epochs.
    assert steps_of(shuffled, tmp_path) is None
    assert steps_of(shuffled) == 7920
    longer = replace(shuffled, schedule=replace(shuffled.schedule, epochs=160))
    assert steps_of(longer) == 2 * 7920
