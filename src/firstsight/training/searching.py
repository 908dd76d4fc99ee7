"""A search for the values of a recipe that validate best.

The paper (Koch et al. 2015, section 3.2) had Whetlab, a service that is no more, search rate, momentum
and L2 of each layer by one-shot accuracy on the validation alphabets. Optuna's tree-structured Parzen
estimator stands in for it: Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NIPS 2011).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from firstsight.datasets.preparing import digest_of
from firstsight.datasets.splits import open_split
from firstsight.errors import TrainingError, TrainingStopped
from firstsight.files import write_whole
from firstsight.training.building import build_twin, view_of
from firstsight.training.checking import check
from firstsight.training.loop import Progress, fit
from firstsight.training.processes import Processes, joined
from firstsight.training.reading import filled
from firstsight.training.recipe import Recipe
from firstsight.training.run import Stage, alone, set_up
from firstsight.training.writing import recipe_text
from firstsight.twins.koch import LAYERS

if TYPE_CHECKING:
    from optuna import Study, Trial

STORAGE: Final = "search.db"
BEST: Final = "best.toml"
TRIALS: Final = "trials.json"
LAYER_TABLE: Final = "optimiser.layers."
FIRST: Final = 5
"""Trials that are drawn at random, and never pruned."""


@dataclass(frozen=True, slots=True)
class Range:
    """Where a value is looked for."""

    low: float
    high: float
    log: bool = False
    """Whether its logarithm is drawn uniformly."""


Space = Mapping[str, Range]
"""By key with dots, as in ``--set``; of one layer ``optimiser.layers.tower.conv1.rate``."""
Told = Callable[[int, int, float], None]
"""Called after each trial with the trials done, all trials, and the best accuracy (-1: none yet)."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What all trials of a search share."""

    recipe: Recipe
    path: Path
    """The data set."""
    out: Path
    """Folder of the search."""
    cache: Path | None = None
    stage: Stage | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to."""

    best: Recipe
    score: float
    """What it validated at, 0 to 1."""
    file: Path
    """The best recipe."""
    trials: int


def space_of(recipe: Recipe) -> dict[str, Range]:
    """The paper's ranges for each layer of ``koch`` by SGD; rate, L2 and what the loss takes for others."""
    if recipe.tower.name == "koch" and recipe.optimiser.name == "sgd":
        kinds = {"rate": Range(1e-4, 1e-1, log=True), "momentum": Range(0, 1), "decay": Range(0, 0.1)}
        layers = [*(f"tower.{layer}" for layer in LAYERS), "head"]
        return {f"{LAYER_TABLE}{layer}.{kind}": ends for layer in layers for kind, ends in kinds.items()}
    space = {"optimiser.rate": Range(1e-3, 1, log=True), "optimiser.decay": Range(1e-5, 1e-2, log=True)}
    if recipe.optimiser.name == "adamw":
        space["optimiser.rate"] = Range(1e-5, 1e-2, log=True)
    if recipe.loss.name != "cross-entropy":
        space["loss.margin"] = Range(0.1, 0.6) if recipe.loss.name == "margin-softmax" else Range(0.1, 2)
    if recipe.loss.name == "margin-softmax":
        space["loss.scale"] = Range(8, 64, log=True)
    return space


def changed(recipe: Recipe, values: Mapping[str, float]) -> Recipe:
    """The recipe with those values.

    Raises:
        RecipeError: a key that it does not have, or a value that no run could do.
    """
    # Through JSON: lists in place of tuples, as they come out of TOML.
    table: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    for key, value in values.items():
        *path, last = key.split(".")
        if key.startswith(LAYER_TABLE):
            path = ["optimiser", "layers", key.removeprefix(LAYER_TABLE).rpartition(".")[0]]
        place = table
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    made = filled(Recipe, table, "The search")
    check(made)
    return made


def search(
    recipe: Recipe,
    space: Space,
    path: Path,
    out: Path,
    *,
    trials: int = 30,
    epochs: int = 5,
    cache: Path | None = None,
    stage: Stage | None = None,
    progress: Progress | None = None,
    told: Told | None = None,
) -> Found:
    """Search, or go on with the search that lies in ``out``.

    After each trial the best recipe so far (``best.toml``) and all trials (``trials.json``) are written.
    Ctrl-C loses the trial that is under way, and nothing else.

    Args:
        recipe: what all trials have in common.
        space: what differs between them; see ``space_of``.
        path: the data set, as its layout has it.
        out: folder of the search.
        trials: how many in all, those of an earlier call included.
        epochs: of each trial; one that is below the median of the others is ended before.
        cache: folder of prepared data; the user's cache when None.
        stage: told of each picture that is prepared.
        progress: told of each step of a trial.
        told: told of each trial.

    Raises:
        DataError: the data are not as the layout has them, or too few.
        RecipeError: a key of the space that the recipe does not have.
        TrainingError: Optuna is not installed, nothing validates, the folder holds another search, one
            is under way in it, or no trial came to anything.
    """
    middle = {
        key: (ends.low * ends.high) ** 0.5 if ends.log else (ends.low + ends.high) / 2
        for key, ends in space.items()
    }
    changed(recipe, middle)
    # One at a time: another's trials would be taken for killed ones, and their folder be removed.
    with alone(out, Processes()):
        return _searched(Ground(recipe, path, out, cache, stage, progress), space, trials, epochs, told)


def _searched(ground: Ground, space: Space, trials: int, epochs: int, told: Told | None) -> Found:
    recipe, out = ground.recipe, ground.out
    study = _opened(out)
    _own(study, recipe, space, epochs, data_of(recipe, ground.path), out)
    from optuna import TrialPruned
    from optuna.trial import TrialState

    done = _done(study)
    while done < trials:
        trial = study.ask()
        try:
            values = {
                key: trial.suggest_float(key, ends.low, ends.high, log=ends.log)
                for key, ends in space.items()
            }
            tried = changed(recipe, values)
            tried = replace(
                tried,
                schedule=replace(tried.schedule, epochs=epochs),
                validation=replace(tried.validation, every=1),
            )
            score = _tried(tried, trial, ground)
        except (TrialPruned, TrainingStopped):
            study.tell(trial, state=TrialState.PRUNED)
        except BaseException:
            study.tell(trial, state=TrialState.FAIL)
            raise
        else:
            study.tell(trial, score)
        done += 1
        best = _write(study, recipe, out)
        if told:
            told(done, trials, best)
    score = _write(study, recipe, out)
    if score < 0:
        raise TrainingError(
            f"None of {done} trials came to its end.", hint="Give more trials, or narrower ranges."
        )
    return Found(changed(recipe, study.best_params), score, out / BEST, done)


def _tried(recipe: Recipe, trial: Trial, ground: Ground) -> float:
    """What one trial validates at."""
    from optuna import TrialPruned

    def measured(epoch: int, figures: dict[str, float]) -> None:
        trial.report(figures[recipe.validation.by], epoch)
        if trial.should_prune():
            raise TrialPruned

    with _trial(ground.out) as folder, joined() as processes:
        run, _ = set_up(recipe, ground.path, folder, processes, ground.cache, stage=ground.stage)
        return fit(run, processes, ground.progress, measured).best


def data_of(recipe: Recipe, path: Path) -> str:
    """What tells the data of a search from others: which pictures train and validate, and how they are cut.

    Raises:
        DataError: the data are not as the layout has them, or too few.
        TrainingError: nobody validates.
    """
    split = open_split(recipe.data.layout, recipe.data.part, path, held_out=recipe.data.held_out)
    if not split.validation:
        raise TrainingError(
            "No identities validate, so no trial can be told from another.",
            hint="Set data.held_out, or a data.part that validates.",
        )
    view = view_of(build_twin(recipe).preprocessing)
    return " ".join(digest_of(side, view) for side in (split.train, split.validation))


@contextmanager
def _trial(out: Path) -> Iterator[Path]:
    """The folder of one trial, which is removed again."""
    folder = out / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _opened(out: Path) -> Study:
    """The search of a folder, or a new one."""
    try:
        import optuna
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise TrainingError(
            "Optuna is not installed.", hint='Install it: pip install "firstsight[search]"'
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    place = out / STORAGE
    try:
        return optuna.create_study(
            storage=f"sqlite:///{place}", study_name="search", direction="maximize", load_if_exists=True
        )
    # SQLAlchemy's errors have their own tree, which comes with Optuna only.
    except (OSError, optuna.exceptions.OptunaError, SQLAlchemyError) as error:
        raise TrainingError(
            f"The search {place} cannot be opened ({error}).", hint="Name another --out."
        ) from error


def _own(study: Study, recipe: Recipe, space: Space, epochs: int, data: str, out: Path) -> None:
    """Refuse a search for something else, and make this one ready to go on."""
    import optuna
    from optuna.trial import TrialState

    own = {
        "recipe": recipe.digest,
        "space": {key: [ends.low, ends.high, ends.log] for key, ends in sorted(space.items())},
        "epochs": epochs,
        "data": data,
    }
    # Older searches do not know their data.
    if {"data": data, **study.user_attrs.get("search", own)} != own:
        raise TrainingError(
            f"{out / STORAGE} belongs to another recipe, other data, other ranges or other epochs.",
            hint="Name another --out, or go back to them.",
        )
    study.set_user_attr("search", own)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)  # it was killed
    # Seeded alike, a search that goes on would draw what it has drawn before.
    study.sampler = optuna.samplers.TPESampler(
        seed=recipe.seed + len(study.trials), n_startup_trials=FIRST, multivariate=False
    )
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=FIRST)


def _done(study: Study) -> int:
    """Trials that came to an end, of their own or by the pruner."""
    return sum(trial.state.name in ("COMPLETE", "PRUNED") for trial in study.trials)


def _write(study: Study, recipe: Recipe, out: Path) -> float:
    """Write the trials and the best recipe; what the best validated at, -1 while there is none."""
    rows = [
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "score": trial.value,
            "epochs": {str(epoch): value for epoch, value in trial.intermediate_values.items()},
            "values": trial.params,
        }
        for trial in study.trials
    ]
    write_whole(out / TRIALS, json.dumps(rows, indent=2) + "\n")
    scores = [
        trial.value for trial in study.trials if trial.state.name == "COMPLETE" and trial.value is not None
    ]
    if not scores:
        return -1.0
    write_whole(out / BEST, recipe_text(changed(recipe, study.best_params)))
    return max(scores)
