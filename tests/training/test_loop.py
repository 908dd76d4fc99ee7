from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tests.training import trainings
from tests.training.trainings import draw_people, tiny
from torch.optim.optimizer import register_optimizer_step_pre_hook

from firstsight.errors import CheckpointError, DataError, TrainingStopped
from firstsight.models.file import read_twin
from firstsight.training import checkpoint, loop
from firstsight.training.checkpoint import FILE, Position, read_checkpoint, write_checkpoint
from firstsight.training.journal import read_log
from firstsight.training.outcome import Outcome
from firstsight.training.processes import Processes
from firstsight.training.recipe import Recipe
from firstsight.training.run import set_up, train
from firstsight.training.validating import Validator

LIVELY = ("schedule.minutes=0", "schedule.average=0.9", "optimiser.momentum=0.9", "augment.mirror=true")
"""All that a checkpoint must hold: momentum, a running average; dropout is on in every tiny recipe."""


@pytest.fixture
def trained(people_folder: Path, prepared_cache: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Train in a folder of this test."""

    def run(recipe: Recipe, out: str = "run", **options: object) -> Outcome:
        return train(
            recipe,
            people_folder,
            tmp_path / out,
            cache=prepared_cache,
            **options,  # type: ignore[arg-type]
        )

    return run


def stop_at(step: int, error: type[BaseException] = KeyboardInterrupt) -> Callable[[int, int, str], None]:
    def progress(done: int, whole: int, word: str) -> None:
        if done == step:
            raise error

    return progress


def assert_same_weights(left: Path, right: Path) -> None:
    both = [read_twin(path).tensors for path in (left, right)]
    assert both[0].keys() == both[1].keys()
    assert all(np.array_equal(value, both[1][name]) for name, value in both[0].items())


def test_a_run_killed_in_mid_epoch_ends_in_the_same_weights(
    trained: Callable[..., Outcome], people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    changes = ("schedule.epochs=3", *LIVELY)
    recipe = tiny(tmp_path, *changes)
    whole = trained(recipe, "whole")
    out = tmp_path / "killed"
    data = json.loads(whole.report.read_text("utf-8"))["data_digest"]
    for step in (4, 9):  # in the first epoch, and in the second
        with trainings.start(people_folder, out, prepared_cache, *changes, "--slow") as worker:
            assert worker.stdout
            assert any(int(line) == step for line in worker.stdout)
            worker.send_signal(signal.SIGKILL)
        assert not (out / "model.safetensors").exists()
        found = read_checkpoint(out, Position(recipe.digest, data))
        assert found
        assert found[0].done in (step - 1, step)
        assert found[0].step
    again = trained(recipe, "killed")
    assert_same_weights(whole.model, again.model)
    assert again.position.history == whole.position.history


@pytest.mark.parametrize(
    "changes",
    [
        ("optimiser.name=adamw", "optimiser.rate=1e-3", "schedule.patience=3"),
        ("loss.name=cross-entropy", "head.name=weighted-l1", "head.bias=true"),
        ("loss.name=contrastive", "head.name=euclidean", "schedule.kind=step", "precision=bf16"),
    ],
    ids=["adamw", "cross-entropy", "contrastive"],
)
def test_a_run_that_broke_off_ends_in_the_same_weights(
    trained: Callable[..., Outcome], tmp_path: Path, changes: tuple[str, ...]
) -> None:
    recipe = tiny(tmp_path, "schedule.minutes=0", *changes)
    whole = trained(recipe, "whole")
    with pytest.raises(RuntimeError):
        trained(recipe, progress=stop_at(9, RuntimeError))
    assert_same_weights(whole.model, trained(recipe).model)


def test_ctrl_c_saves_and_the_run_goes_on_from_there(trained: Callable[..., Outcome], tmp_path: Path) -> None:
    recipe = tiny(tmp_path, *LIVELY[1:])
    whole = trained(recipe, "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, progress=stop_at(8))
    steps: list[int] = []
    again = trained(recipe, progress=lambda done, count, word: steps.append(done))
    assert steps == [9, 10, 11, 12]
    assert_same_weights(whole.model, again.model)


@pytest.mark.parametrize("place", ["forward", "validation"])
def test_ctrl_c_at_an_awkward_moment_waits_until_all_is_whole(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """In the forward pass batch norms have seen half; in validation the weights are the average's."""
    recipe = tiny(tmp_path, *LIVELY[1:])
    whole = trained(recipe, "whole")
    thing, name = (loop, "_loss") if place == "forward" else (Validator, "measure")
    before, handler = getattr(thing, name), signal.getsignal(signal.SIGINT)

    def pressed(*arguments: object) -> object:
        found = before(*arguments)
        os.kill(os.getpid(), signal.SIGINT)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(thing, name, pressed)
        with pytest.raises(KeyboardInterrupt):
            trained(recipe)
    again = trained(recipe)
    assert_same_weights(whole.model, again.model)
    assert again.position.history == whole.position.history
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_run_in_another_thread_needs_no_signals(trained: Callable[..., Outcome], tmp_path: Path) -> None:
    found: list[Outcome] = []
    recipe = tiny(tmp_path, "schedule.epochs=1", "sampler.steps=1")
    worker = threading.Thread(target=lambda: found.append(trained(recipe)))
    worker.start()
    worker.join(60)
    assert found[0].position.done == 1


def test_checkpoints_come_by_the_minute_and_after_each_epoch(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    monkeypatch.setattr(loop, "write_checkpoint", lambda out, position, _: written.append(position.done))
    trained(tiny(tmp_path), "rare")
    assert written == [6, 12]
    written.clear()
    trained(tiny(tmp_path, "schedule.minutes=0"), "every")
    assert written == list(range(1, 13))


def test_a_disk_that_fills_up_leaves_the_previous_checkpoint(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny(tmp_path, "schedule.minutes=0")
    whole = trained(recipe, "whole")
    real, written = save_file, 0

    def full(tensors: object, part: Path, header: object) -> None:
        nonlocal written
        written += 1
        if written > 4:
            part.write_bytes(b"half of it")
            raise OSError(28, "No space left on device")
        real(tensors, part, header)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        with pytest.raises(CheckpointError, match="No space left"):
            trained(recipe)
    assert [path.name for path in (tmp_path / "run").glob("checkpoint*")] == [FILE]
    again = trained(recipe)
    assert_same_weights(whole.model, again.model)


def test_a_checkpoint_of_another_recipe_or_other_data_is_refused(
    trained: Callable[..., Outcome], tmp_path: Path
) -> None:
    trained(tiny(tmp_path, "schedule.epochs=1"))
    with pytest.raises(CheckpointError, match="another recipe"):
        trained(tiny(tmp_path, "schedule.epochs=2"))
    folder = draw_people(tmp_path / "others", seed=1)
    with pytest.raises(CheckpointError, match="other data"):
        train(tiny(tmp_path, "schedule.epochs=1"), folder, tmp_path / "run", cache=tmp_path / "cache")


def test_a_run_goes_on_in_as_many_processes_and_ends_in_any(
    trained: Callable[..., Outcome], tmp_path: Path
) -> None:
    recipe = tiny(tmp_path, "sampler.steps=1")
    with pytest.raises(KeyboardInterrupt):
        trained(recipe, progress=stop_at(1))
    with safe_open(tmp_path / "run" / FILE, framework="pt") as opened:
        kept = json.loads(opened.metadata()["state"])
    assert kept["processes"] == 1
    own = Position(recipe.digest, kept["data"])
    found = read_checkpoint(tmp_path / "run", own)
    assert found
    write_checkpoint(tmp_path / "run", replace(found[0], processes=2), found[1])
    with pytest.raises(CheckpointError, match="2 processes share, not 1"):
        trained(recipe)
    ended = trained(recipe, further=False)
    assert json.loads(ended.report.read_text("utf-8"))["processes"] == 2


def test_a_run_does_not_go_on_with_other_pictures_left_out(tmp_path: Path) -> None:
    """Another cache, made when the disk gave all of them: every row after the gap would be another's."""
    folder, recipe = draw_people(tmp_path / "people", 12, 4), tiny(tmp_path, "sampler.steps=1")
    few = replace(
        recipe, data=replace(recipe.data, held_out=0.0), schedule=replace(recipe.schedule, epochs=1)
    )
    place = folder / "person-00" / "0.png"
    whole, state = place.read_bytes(), place.stat()
    place.write_bytes(bytes(len(whole)))
    train(few, folder, tmp_path / "run", cache=tmp_path / "cache")
    place.write_bytes(whole)
    os.utime(place, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(CheckpointError, match="other pictures left out"):
        train(few, folder, tmp_path / "run", cache=tmp_path / "other")


def test_log_lines_after_the_checkpoint_are_taken_back(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    recipe = tiny(tmp_path)
    with pytest.raises(RuntimeError):
        trained(recipe, progress=stop_at(9, RuntimeError))
    # The last checkpoint is that of the first epoch, after step 6.
    assert [line["step"] for line in read_log(tmp_path / "run")] == [*range(1, 7), 6, 7, 8, 9]
    trained(recipe)
    lines = read_log(tmp_path / "run")
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 13))
    assert [line["step"] for line in lines if "one-shot" in line] == [6, 12]


def test_no_step_follows_more_of_a_gradient_than_is_let_through(
    trained: Callable[..., Outcome], tmp_path: Path
) -> None:
    norms: list[float] = []

    def look(optimiser: torch.optim.Optimizer, *_: object) -> None:
        gradients = [one.grad for group in optimiser.param_groups for one in group["params"]]
        norms.append(float(torch.linalg.vector_norm(torch.cat([one.flatten() for one in gradients]))))

    hook = register_optimizer_step_pre_hook(look)
    try:
        trained(tiny(tmp_path, "optimiser.clip=0", "schedule.epochs=1"), "free")
        free, norms = norms, []
        trained(tiny(tmp_path, "optimiser.clip=0.01", "schedule.epochs=1"), "held")
    finally:
        hook.remove()
    assert len(free) == len(norms) == 6
    assert min(free) > 0.02
    assert norms == pytest.approx([0.01] * 6, rel=1e-3)


def test_patience_ends_the_run_and_keeps_the_best_epoch(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of these epochs is best, and ties do not count; the paper waits for 20 of them."""
    figures = [0.5, 0.7, 0.7, 0.6, 0.69, 0.9]
    seen: list[dict[str, torch.Tensor]] = []

    def measured(self: Validator, twin: object, *_: object) -> dict[str, float]:
        tower = twin.tower  # type: ignore[attr-defined]
        seen.append({name: value.clone() for name, value in tower.state_dict().items()})
        return {"one-shot": figures[len(seen) - 1]}

    monkeypatch.setattr(Validator, "measure", measured)
    recipe = tiny(tmp_path, "schedule.epochs=6", "schedule.patience=3", "schedule.average=0.5")
    outcome = trained(recipe)
    assert (outcome.position.epoch, outcome.position.best_epoch, outcome.position.best) == (5, 2, 0.7)
    # What is told of the model is what its own weights came to.
    assert outcome.measured == {"epoch": 2, "one-shot": 0.7}
    report = json.loads(outcome.report.read_text("utf-8"))
    assert (report["epochs"], report["kept_epoch"]) == (5, 2)
    tensors = read_twin(outcome.model).tensors
    for name, value in tensors.items():
        if name.startswith("tower."):
            assert np.array_equal(value, seen[1][name.removeprefix("tower.")].half().numpy())
    # It has stopped for good: run again, it does not do another epoch.
    again = trained(recipe)
    assert again.position.epoch == 5
    assert_same_weights(outcome.model, again.model)
    assert len(seen) == 5


def test_the_running_average_is_what_is_validated_and_kept(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projections: list[torch.Tensor] = []
    real = Validator.measure

    def measured(self: Validator, twin: object, *rest: object) -> dict[str, float]:
        projections.append(twin.tower.project.weight.detach().clone())  # type: ignore[attr-defined]
        return real(self, twin, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Validator, "measure", measured)
    averaged = trained(tiny(tmp_path, "schedule.average=0.99"), "averaged")
    last = trained(tiny(tmp_path), "last")
    kept = [read_twin(outcome.model).tensors["tower.project.weight"] for outcome in (averaged, last)]
    assert np.array_equal(kept[0], projections[1].half().numpy())
    assert np.array_equal(kept[1], projections[3].half().numpy())
    assert not np.array_equal(kept[0], kept[1])


def test_validation_comes_every_so_many_epochs_and_at_the_end(
    trained: Callable[..., Outcome], tmp_path: Path
) -> None:
    told: list[int] = []
    trained(
        tiny(tmp_path, "schedule.epochs=5", "validation.every=2", "sampler.steps=1"),
        measured=lambda epoch, figures: told.append(epoch),
    )
    assert told == [2, 4, 5]


def test_who_is_told_of_a_validation_may_end_the_run(trained: Callable[..., Outcome], tmp_path: Path) -> None:
    def enough(epoch: int, figures: dict[str, float]) -> None:
        assert 0 <= figures["one-shot"] <= 1
        raise LookupError

    recipe = tiny(tmp_path)
    with pytest.raises(LookupError):
        trained(recipe, measured=enough)
    assert trained(recipe).position.done == 12  # from the checkpoint of the first epoch


def test_a_loss_that_is_no_number_ends_the_run(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = loop._loss

    def spoilt(*arguments: object) -> object:
        loss, embeddings = real(*arguments)  # type: ignore[arg-type]
        return loss * float("nan"), embeddings

    monkeypatch.setattr(loop, "_loss", spoilt)
    with pytest.raises(TrainingStopped, match="nan"):
        trained(tiny(tmp_path))


def test_pairs_of_pictures_are_counted(trained: Callable[..., Outcome], tmp_path: Path) -> None:
    by_pair = trained(
        tiny(
            tmp_path,
            "sampler.name=pairs",
            "sampler.size=8",
            "sampler.pairs=40",
            "loss.name=cross-entropy",
            "schedule.epochs=1",
        )
    )
    assert (by_pair.position.done, by_pair.position.pictures, by_pair.position.pairs) == (5, 80, 40)
    all_pairs = trained(tiny(tmp_path, "loss.name=cross-entropy", "schedule.epochs=1"), "all")
    assert all_pairs.position.pairs == 6 * (24 * 23 // 2)


def test_the_loss_falls(
    trained: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    trained(tiny(tmp_path, "schedule.epochs=5", "tower.dropout=0"))
    losses = [line["loss"] for line in read_log(tmp_path / "run") if "loss" in line]
    parts = [float(np.mean(losses[start : start + 10])) for start in (0, 10, 20)]
    assert all(later < before for before, later in pairwise(parts))


def test_more_processes_than_pictures_are_refused(tmp_path: Path) -> None:
    data = draw_people(tmp_path / "data")
    recipe = tiny(tmp_path, "sampler.identities=2", "sampler.each=2")
    run, _ = set_up(recipe, data, tmp_path / "out", Processes(), tmp_path / "cache")
    with pytest.raises(DataError, match="5 processes cannot share a batch of 4"):
        loop.fit(run, Processes(0, 5))
