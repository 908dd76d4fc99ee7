from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
from tests.training.trainings import draw_people, tiny

from firstsight.errors import RecipeError, TrainingError, TrainingStopped
from firstsight.training import searching
from firstsight.training.processes import Processes
from firstsight.training.reading import read_recipe
from firstsight.training.recipe import Recipe
from firstsight.training.run import set_up
from firstsight.training.searching import (
    BEST,
    STORAGE,
    TRIALS,
    Found,
    Range,
    changed,
    data_of,
    search,
    space_of,
)

pytest.importorskip("optuna")

SPACE = {"optimiser.rate": Range(1e-3, 1.0, log=True), "loss.margin": Range(0.1, 0.5)}


def rows(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((out / TRIALS).read_text("utf-8"))
    return found


class Pretended:
    """Trials that take no time: what they validate at follows from the rate."""

    def __init__(self, *, fails_at: int = -1, error: BaseException | None = None) -> None:
        self.tried: list[Recipe] = []
        self.fails_at, self.error = fails_at, error

    def __call__(self, recipe: Recipe, *_: object) -> float:
        self.tried.append(recipe)
        if len(self.tried) == self.fails_at and self.error:
            raise self.error
        return 1 / (1 + abs(recipe.optimiser.rate - 0.05))


def pretend(monkeypatch: pytest.MonkeyPatch, pretended: Pretended) -> Pretended:
    monkeypatch.setattr(searching, "_tried", pretended)
    monkeypatch.setattr(searching, "data_of", lambda recipe, path: str(path))
    return pretended


def test_a_search_trains_and_leaves_a_recipe(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    recipe = tiny(tmp_path, "sampler.steps=2", "schedule.epochs=9")
    out, told = tmp_path / "search", []
    found = search(
        recipe,
        SPACE,
        people_folder,
        out,
        trials=3,
        epochs=2,
        cache=prepared_cache,
        told=lambda *words: told.append(words),
    )
    assert read_recipe(str(found.file)) == found.best
    assert found.best.schedule == recipe.schedule  # of a whole run, not of a trial
    kept = rows(out)
    assert [row["state"] for row in kept] == ["complete"] * 3
    assert all(list(row["epochs"]) == ["1", "2"] for row in kept)
    best = max(kept, key=lambda row: row["score"])
    assert found.score == best["score"] == max(best["epochs"].values())
    assert found.best.optimiser.rate in [row["values"]["optimiser.rate"] for row in kept]
    assert len({row["values"]["optimiser.rate"] for row in kept}) == 3
    assert [done for done, _, _ in told] == [1, 2, 3]
    assert told[-1][2] == found.score
    assert {path.name for path in out.iterdir()} - {"lock"} == {BEST, STORAGE, TRIALS}


def test_trials_stay_in_their_ranges_and_the_best_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretended = pretend(monkeypatch, Pretended())
    found = search(tiny(tmp_path), SPACE, tmp_path, tmp_path / "out", trials=12, epochs=3)
    rates = [recipe.optimiser.rate for recipe in pretended.tried]
    assert all(1e-3 <= rate <= 1 for rate in rates)
    assert all(0.1 <= recipe.loss.margin <= 0.5 for recipe in pretended.tried)
    assert all((one.schedule.epochs, one.validation.every) == (3, 1) for one in pretended.tried)
    assert found.best.optimiser.rate == min(rates, key=lambda rate: abs(rate - 0.05))
    assert found.trials == 12


def test_a_search_goes_on_and_draws_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe, out = tiny(tmp_path), tmp_path / "out"
    first = pretend(monkeypatch, Pretended())
    search(recipe, SPACE, tmp_path, out, trials=3)
    second = pretend(monkeypatch, Pretended())
    found = search(recipe, SPACE, tmp_path, out, trials=5)
    assert (len(first.tried), len(second.tried), found.trials) == (3, 2, 5)
    rates = [one.optimiser.rate for one in first.tried + second.tried]
    assert len(set(rates)) == 5
    third = pretend(monkeypatch, Pretended())
    assert search(recipe, SPACE, tmp_path, out, trials=5).best == found.best
    assert not third.tried


def test_ctrl_c_keeps_the_trials_that_are_done(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recipe, out = tiny(tmp_path), tmp_path / "out"
    pretend(monkeypatch, Pretended(fails_at=3, error=KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        search(recipe, SPACE, tmp_path, out, trials=5)
    assert [row["state"] for row in rows(out)] == ["complete"] * 2
    assert read_recipe(str(out / BEST)).optimiser.rate
    again = pretend(monkeypatch, Pretended())
    assert search(recipe, SPACE, tmp_path, out, trials=5).trials == 5
    assert len(again.tried) == 3


def test_a_trial_that_a_monitor_ends_is_one_that_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, Pretended(fails_at=2, error=TrainingStopped("The loss became nan.")))
    search(tiny(tmp_path), SPACE, tmp_path, tmp_path / "out", trials=3)
    assert [row["state"] for row in rows(tmp_path / "out")] == ["complete", "pruned", "complete"]


def test_where_every_trial_is_lost_there_is_no_best(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, Pretended(fails_at=1, error=TrainingStopped("The loss became nan.")))
    with pytest.raises(TrainingError, match="None of 1 trials") as caught:
        search(tiny(tmp_path), SPACE, tmp_path, tmp_path / "out", trials=1)
    assert caught.value.hint


def test_a_trial_below_the_median_is_ended_before(
    monkeypatch: pytest.MonkeyPatch, people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    """The first five are never pruned; the sixth is worse than all of them after its first epoch."""
    trial = 0

    def fitted(run: object, processes: object, progress: object, measured: Any) -> Any:
        nonlocal trial
        trial += 1
        for epoch in (1, 2):
            measured(epoch, {"one-shot": 0.1 if trial == 6 else 0.5})
        return type("Position", (), {"best": 0.5})

    monkeypatch.setattr(searching, "fit", fitted)
    out = tmp_path / "out"
    search(tiny(tmp_path), SPACE, people_folder, out, trials=6, cache=prepared_cache)
    assert [row["state"] for row in rows(out)] == ["complete"] * 5 + ["pruned"]
    assert list(rows(out)[5]["epochs"]) == ["1"]


def test_a_folder_of_another_search_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend(monkeypatch, Pretended())
    out = tmp_path / "out"

    def go(recipe: Recipe, space: dict[str, Range], epochs: int = 5) -> Found:
        return search(recipe, space, tmp_path, out, trials=1, epochs=epochs)

    go(tiny(tmp_path), SPACE)
    for recipe, space, epochs in (
        (tiny(tmp_path, "seed=9"), SPACE, 5),
        (tiny(tmp_path), {"optimiser.rate": Range(0.1, 0.2)}, 5),
        (tiny(tmp_path), SPACE, 6),
    ):
        with pytest.raises(TrainingError, match="belongs to another") as caught:
            go(recipe, space, epochs)
        assert "--out" in caught.value.hint
    with pytest.raises(TrainingError, match="other data"):
        search(tiny(tmp_path), SPACE, tmp_path / "elsewhere", out, trials=2)


def test_an_older_search_that_does_not_know_its_data_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pretend(monkeypatch, Pretended())
    out = tmp_path / "out"
    search(tiny(tmp_path), SPACE, tmp_path, out, trials=1)
    study = searching._opened(out)
    kept = study.user_attrs["search"]
    study.set_user_attr("search", {key: value for key, value in kept.items() if key != "data"})
    assert search(tiny(tmp_path), SPACE, tmp_path, out, trials=2).trials == 2
    with pytest.raises(TrainingError, match="other data"):  # from now on it does
        search(tiny(tmp_path), SPACE, tmp_path / "elsewhere", out, trials=3)


def test_the_data_of_a_search_are_what_trains_and_what_validates(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    def data(folder: Path, *changes: str) -> str:
        return data_of(tiny(tmp_path, *changes), folder)

    own = data(people_folder)
    assert data(people_folder) == own
    others = {
        data(draw_people(tmp_path / "b", seed=3)),
        data(people_folder, "data.held_out=0.5"),
        data(people_folder, "data.size=24"),
    }
    assert len(others | {own}) == 4
    # As a run has them, which prepared them for that: searches that were begun so go on.
    run, _ = set_up(tiny(tmp_path), people_folder, tmp_path / "out", Processes(), prepared_cache)
    assert run.validator
    assert own == f"{run.train.digest} {run.validator.prepared.digest}"


def test_a_search_prepares_only_for_its_trials(
    monkeypatch: pytest.MonkeyPatch, people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    """Telling its data from others takes no run, with its teacher and all."""
    made: list[Path] = []

    def noted(recipe: Recipe, path: Path, out: Path, *rest: Any, **more: Any) -> Any:
        made.append(out)
        return set_up(recipe, path, out, *rest, **more)

    monkeypatch.setattr(searching, "set_up", noted)
    monkeypatch.setattr(searching, "fit", lambda *_: type("Position", (), {"best": 0.5}))
    out = tmp_path / "out"
    search(tiny(tmp_path), SPACE, people_folder, out, trials=2, cache=prepared_cache)
    assert len(made) == 2
    search(tiny(tmp_path), SPACE, people_folder, out, trials=2, cache=prepared_cache)
    assert len(made) == 2


def test_two_searches_in_one_folder_do_not_meet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The second would take the first one's trial for a killed one, and remove its folder."""
    out, met = tmp_path / "out", list[str]()

    def tried(recipe: Recipe, *_: object) -> float:
        with pytest.raises(TrainingError, match=f"Another process is training in {out}"):
            search(tiny(tmp_path), SPACE, tmp_path, out, trials=1)
        met.append(recipe.name)
        return 0.5

    pretend(monkeypatch, Pretended())
    monkeypatch.setattr(searching, "_tried", tried)
    assert search(tiny(tmp_path), SPACE, tmp_path, out, trials=2).trials == 2
    assert len(met) == 2
    assert [row["state"] for row in rows(out)] == ["complete"] * 2


def test_a_storage_that_is_none(tmp_path: Path) -> None:
    (tmp_path / STORAGE).write_bytes(b"no database" * 100)
    with pytest.raises(TrainingError, match="cannot be opened"):
        search(tiny(tmp_path), SPACE, tmp_path, tmp_path, trials=1)


def test_keys_that_the_recipe_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"optimiser\.rates"):
        search(tiny(tmp_path), {"optimiser.rates": Range(0.1, 1)}, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_anybody_held_out_nothing_can_be_searched(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="No identities validate"):
        search(
            tiny(tmp_path, "data.held_out=0"), SPACE, people_folder, tmp_path / "out", cache=prepared_cache
        )


def test_the_papers_ranges(tmp_path: Path) -> None:
    """Koch et al. (2015), section 3.2: for each layer apart."""
    recipe = tiny(
        tmp_path,
        *("tower.name=koch", "tower.dropout=0", "data.size=105", "data.channels=1"),
        *("head.name=weighted-l1", "loss.name=cross-entropy"),
    )
    space = space_of(recipe)
    assert len(space) == 6 * 3
    for layer in ("tower.conv1", "tower.conv2", "tower.conv3", "tower.conv4", "tower.dense", "head"):
        assert space[f"optimiser.layers.{layer}.rate"] == Range(1e-4, 1e-1, log=True)
        assert space[f"optimiser.layers.{layer}.momentum"] == Range(0, 1)
        assert space[f"optimiser.layers.{layer}.decay"] == Range(0, 0.1)
    tried = changed(recipe, {key: ends.low for key, ends in space.items()})
    assert tried.optimiser.layers["tower.conv1"].rate == 1e-4


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ((), {"optimiser.rate", "optimiser.decay", "loss.margin", "loss.scale"}),
        (
            (
                *("tower.name=koch", "tower.dropout=0", "data.size=105", "data.channels=1"),
                *("head.name=weighted-l1", "loss.name=cross-entropy", "optimiser.name=adamw"),
            ),
            {"optimiser.rate", "optimiser.decay"},
        ),
        (("loss.name=triplet",), {"optimiser.rate", "optimiser.decay", "loss.margin"}),
        (("loss.name=cross-entropy", "optimiser.name=adamw"), {"optimiser.rate", "optimiser.decay"}),
    ],
)
def test_only_what_the_recipe_heeds_is_searched(
    tmp_path: Path, changes: tuple[str, ...], keys: set[str]
) -> None:
    recipe = tiny(tmp_path, *changes)
    space = space_of(recipe)
    assert space.keys() == keys
    for end in ("low", "high"):
        changed(recipe, {key: getattr(ends, end) for key, ends in space.items()})


def test_without_optuna_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name.startswith("optuna"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(TrainingError, match="Optuna") as caught:
        search(tiny(tmp_path), SPACE, tmp_path, tmp_path / "out")
    assert 'pip install "firstsight[search]"' in caught.value.hint
