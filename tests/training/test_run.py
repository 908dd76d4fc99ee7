from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.trainings import draw_people, tiny

from firstsight.datasets.splits import open_split
from firstsight.errors import CheckpointError, DataError, ModelError, TrainingError
from firstsight.images import read_image
from firstsight.models import Calibration, open_model
from firstsight.models.file import calibrated, read_twin, write_twin
from firstsight.models.model import mark
from firstsight.training.outcome import Outcome
from firstsight.training.run import train


@pytest.fixture(scope="module")
def outcome(people_folder: Path, prepared_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Three epochs, with one unreadable picture among those that train."""
    folder = tmp_path_factory.mktemp("trained")
    return train(tiny(folder, "schedule.epochs=4"), people_folder, folder / "run", cache=prepared_cache)


def test_what_was_learned_holds_for_identities_never_seen(outcome: Outcome) -> None:
    # Four ways: chance is 0.25; discs differ so much that a twin that learns at all is far above it.
    assert outcome.position.history[-1]["one-shot"] > 0.6
    assert outcome.position.epoch == 4
    assert [one["epoch"] for one in outcome.position.history] == [1, 2, 3, 4]


def test_the_model_file_tells_people_apart(outcome: Outcome, people_folder: Path) -> None:
    model = open_model(outcome.model)
    assert model.digest == json.loads(outcome.report.read_text("utf-8"))["model_digest"]
    paths = [
        people_folder / f"person-{person:02}" / f"{number}.png" for person in (0, 1) for number in (0, 1)
    ]
    rows = model.embed(np.stack([model.preprocessing.crop(read_image(path)) for path in paths]))
    scores = model.similarity(rows, rows)
    assert min(scores[0, 1], scores[2, 3]) > scores[:2, 2:].max()


def test_the_report_says_how_the_run_went(outcome: Outcome) -> None:
    report = json.loads(outcome.report.read_text("utf-8"))
    assert report["recipe"]["name"] == "tiny"
    assert report["epochs"] == 4
    assert report["steps"] == 4 * 6
    assert report["pictures_seen"] == 4 * 6 * 6 * 4
    # A margin softmax compares pictures with classes, not with one another.
    assert report["pairs_scored"] == 0
    assert report["pictures_in_training"] == 12 * 6
    assert report["pictures_left_out"] == 0
    assert report["processes"] == 1
    assert report["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert len(report["history"]) == 4
    assert report["seconds"] > 0
    assert {"recipe_digest", "data_digest", "machine", "made", "versions"} <= report.keys()


def test_the_card_counts_what_it_was_trained_on(outcome: Outcome) -> None:
    card = open_model(outcome.model).card
    assert "72 pictures of 12 identities" in card.trained_on
    assert card.parameters == sum(
        value.size for name, value in read_twin(outcome.model).tensors.items() if "running" not in name
    )


def test_the_model_file_knows_who_validated(outcome: Outcome, people_folder: Path) -> None:
    model = open_model(outcome.model)
    everybody = {mark(folder.name) for folder in people_folder.iterdir()}
    assert len(model.validated) == 4
    assert model.validated == everybody - model.identities


def test_too_few_are_held_out_to_calibrate_on_and_the_reason_is_kept(outcome: Outcome) -> None:
    assert "4 identities with 24 pictures" in outcome.uncalibrated
    assert open_model(outcome.model).calibration is None
    assert json.loads(outcome.report.read_text("utf-8"))["uncalibrated"] == outcome.uncalibrated


def test_a_finished_run_that_is_run_again_ends_in_the_same_model(
    outcome: Outcome, people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    before = open_model(outcome.model).digest
    again = train(
        tiny(tmp_path, "schedule.epochs=4"), people_folder, outcome.model.parent, cache=prepared_cache
    )
    assert again.position.done == outcome.position.done
    assert open_model(again.model).digest == before


def test_a_calibration_from_other_pictures_outlives_another_end_of_the_run(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    recipe = tiny(tmp_path, "schedule.epochs=1", "sampler.steps=2")
    file = train(recipe, people_folder, tmp_path / "run", cache=prepared_cache).model
    others = Calibration((), ((-3.0, 0.5), (-0.5, 0.1)), ((0.0, -1.0), (1.0, 1.0)), {"data": "others.zip"})
    write_twin(file, calibrated(read_twin(file), others, {"somebody else"}))
    again = train(recipe, people_folder, tmp_path / "run", cache=prepared_cache)
    assert again.uncalibrated == ""
    assert read_twin(file).calibration == others
    assert mark("somebody else") in read_twin(file).validated  # whom it was made on is still no test for it


def test_runs_of_one_seed_are_alike_and_of_two_are_not(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    def digest(out: str, seed: int) -> str:
        recipe = tiny(tmp_path, "schedule.epochs=1", "sampler.steps=2", f"seed={seed}")
        torch.manual_seed(len(out))  # what happened before in the process is of no weight
        return open_model(train(recipe, people_folder, tmp_path / out, cache=prepared_cache).model).digest

    first = digest("a", 3)
    assert digest("another", 3) == first
    assert digest("other", 4) != first


def test_a_calibration_where_enough_are_held_out(tmp_path: Path) -> None:
    folder = draw_people(tmp_path / "people", 60, 3)
    recipe = tiny(tmp_path, "schedule.epochs=1", "sampler.steps=2", "sampler.each=2", "data.held_out=0.8")
    outcome = train(recipe, folder, tmp_path / "run", cache=tmp_path / "cache")
    model = open_model(outcome.model)
    assert outcome.uncalibrated == ""
    assert model.calibrated().points[0].fmr == 1e-2


def test_unreadable_pictures_are_counted_or_refused(people_folder: Path, tmp_path: Path) -> None:
    folder = draw_people(tmp_path / "people", 12, 4)
    (folder / "person-03" / "2.png").write_bytes(b"no picture")
    (folder / "person-05" / "1.png").write_bytes((folder / "person-05" / "2.png").read_bytes()[:60])
    recipe = tiny(tmp_path, "schedule.epochs=1", "sampler.steps=2", "sampler.each=2")
    outcome = train(recipe, folder, tmp_path / "run", cache=tmp_path / "cache")
    assert sorted(one.split(":")[0] for one in outcome.unreadable) == [
        "person-03/2.png",
        "person-05/1.png",
    ]
    report = json.loads(outcome.report.read_text("utf-8"))
    assert report["pictures_left_out"] == 2
    # The card counts what was learnt from, not what was there.
    taught = report["pictures_in_training"]
    assert 4 * 9 - 2 <= taught < 4 * 9
    model = open_model(outcome.model)
    assert f": {taught} pictures of 9 identities" in model.card.trained_on
    assert len(model.identities) == 9
    with pytest.raises(DataError, match=r"person-0[35]"):
        train(recipe, folder, tmp_path / "strict", cache=tmp_path / "other", strict=True)


def test_fine_tuning_begins_with_the_tower_of_the_file(
    outcome: Outcome, people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    recipe = tiny(
        tmp_path,
        f"tower.start='{outcome.model}'",
        "tower.widths=[4]",
        "optimiser.rate=1e-12",
        "schedule.epochs=1",
        "sampler.steps=1",
    )
    tuned = read_twin(train(recipe, people_folder, tmp_path / "run", cache=prepared_cache).model)
    start = read_twin(outcome.model)
    assert tuned.blueprint.tower_arguments == start.blueprint.tower_arguments
    assert tuned.preprocessing == start.preprocessing
    for name, value in start.tensors.items():
        if name.startswith("tower.") and "running" not in name:
            np.testing.assert_allclose(tuned.tensors[name], value, atol=1e-6, rtol=0)


def test_whom_the_first_twin_was_trained_on_is_known_of_the_second(
    outcome: Outcome, people_folder: Path, tmp_path: Path
) -> None:
    """A test with any of them would be no test."""
    others = draw_people(tmp_path / "others", 12, 4, seed=7)
    for folder in sorted(others.iterdir()):
        folder.rename(folder.with_name(f"other-{folder.name}"))
    few = ("schedule.epochs=1", "sampler.steps=1", "sampler.each=2")
    recipe = tiny(tmp_path, f"tower.start='{outcome.model}'", "tower.widths=[4]", *few)
    second = train(recipe, others, tmp_path / "second", cache=tmp_path / "cache")
    first, found = open_model(outcome.model), open_model(second.model)
    assert first.identities < found.identities
    assert first.validated < found.validated
    report = json.loads(second.report.read_text("utf-8"))
    assert report["started_from"] == first.digest
    assert report["recipe"]["tower"]["start"] == first.name
    assert found.card.trained_on.endswith(f", started from {first.name}")
    assert str(tmp_path.parent) not in second.report.read_text("utf-8")
    # Nor may they validate: here the second run holds out people whom the first one saw.
    with pytest.raises(DataError, match="that are to validate"):
        train(replace(recipe, data=replace(recipe.data, held_out=0.9)), people_folder, tmp_path / "third")


def test_a_start_that_is_no_model_is_refused(people_folder: Path, tmp_path: Path) -> None:
    for start in ("no-such-model", str(tmp_path / "none.safetensors")):
        with pytest.raises(ModelError, match=r"no-such-model|none\.safetensors"):
            train(tiny(tmp_path, f"tower.start='{start}'"), people_folder, tmp_path / "run")


def test_a_small_folder_trains_without_anybody_held_out(tmp_path: Path) -> None:
    """As the guide begins: a tenth of ten is one, from whom nobody can be told."""
    folder = draw_people(tmp_path / "people", 10, 4)
    recipe = tiny(tmp_path, "data.held_out=0.1", "schedule.epochs=1", "sampler.steps=1")
    outcome = train(recipe, folder, tmp_path / "run", cache=tmp_path / "cache")
    assert len(open_model(outcome.model).identities) == 10
    assert outcome.position.history == []
    assert outcome.measured == {}
    assert "held out" in outcome.uncalibrated


def test_too_few_held_out_are_told_before_the_first_step(tmp_path: Path) -> None:
    folder = draw_people(tmp_path / "people", 20, 4)
    split = open_split("folder", "all", folder, held_out=0.1)
    for item in split.validation[0][1][1:]:  # of one of the two, a single picture is left
        (folder / item.name).write_bytes(b"no picture")
    steps: list[int] = []
    with pytest.raises(DataError, match="too few to validate") as caught:
        train(
            tiny(tmp_path, "data.held_out=0.1"),
            folder,
            tmp_path / "run",
            cache=tmp_path / "cache",
            progress=lambda done, whole, word: steps.append(done),
        )
    assert "data.held_out" in caught.value.hint
    assert not steps


def test_pairs_decide_only_where_there_are_any(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="no official pairs"):
        train(tiny(tmp_path, "validation.by=pairs"), people_folder, tmp_path / "run", cache=prepared_cache)


def test_without_anybody_held_out_the_last_weights_are_kept(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    # Patience has nothing to wait for then.
    recipe = tiny(tmp_path, "data.held_out=0", "schedule.epochs=3", "schedule.patience=1", "sampler.steps=1")
    outcome = train(recipe, people_folder, tmp_path / "run", cache=prepared_cache)
    assert outcome.position.epoch == 3
    assert outcome.position.history == []
    assert "held out" in outcome.uncalibrated


@pytest.mark.skipif(sys.platform != "linux", reason="this system has no such names")
def test_a_file_name_that_is_no_utf_8(tmp_path: Path) -> None:
    folder = draw_people(tmp_path / "people", 6, 5)
    odd = os.fsencode(folder / "person-00") + b"/caf\xe9.png"
    (folder / "person-00" / "0.png").rename(os.fsdecode(odd))
    recipe = tiny(tmp_path, "data.held_out=0", "schedule.epochs=1", "sampler.steps=1")
    outcome = train(recipe, folder, tmp_path / "run", cache=tmp_path / "cache")
    assert json.loads(outcome.report.read_text("utf-8"))["pictures_in_training"] == 30
    # Left out, it is named, and told from the others.
    Path(os.fsdecode(odd)).write_bytes(b"no picture")
    (left_out,) = train(recipe, folder, tmp_path / "less", cache=tmp_path / "cache").unreadable
    assert left_out.startswith("person-00/caf")


def test_a_folder_that_cannot_be_made(people_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be made") as caught:
        train(tiny(tmp_path), people_folder, tmp_path / "file" / "run")
    assert "--out" in caught.value.hint


def test_a_batch_larger_than_the_data_is_refused(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    recipe = tiny(tmp_path, "sampler.name=shuffled", "sampler.size=500")
    with pytest.raises(DataError, match="72 pictures do not fill one batch"):
        train(recipe, people_folder, tmp_path / "run", cache=prepared_cache)


def test_an_interrupted_run_becomes_a_model_as_it_stands(
    people_folder: Path, prepared_cache: Path, tmp_path: Path
) -> None:
    recipe, out = tiny(tmp_path, "schedule.epochs=4"), tmp_path / "run"
    with pytest.raises(CheckpointError, match="no checkpoint"):
        train(recipe, people_folder, out, cache=prepared_cache, further=False)
    assert not (out / "model.safetensors").exists()

    def stop(done: int, whole: int, how: str) -> None:
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, people_folder, out, cache=prepared_cache, progress=stop)
    early = train(recipe, people_folder, out, cache=prepared_cache, further=False)
    report = json.loads(early.report.read_text("utf-8"))
    assert (report["epochs"], report["steps_of_the_next_epoch"], report["steps"]) == (1, 2, 8)
    # Nobody has measured these weights: what validation said after the first epoch is not of them.
    assert (report["kept_epoch"], early.measured) == (None, {})
    assert early.position.history
    assert report["recipe"]["schedule"]["epochs"] == 4
    assert open_model(early.model).digest == report["model_digest"]
    # The run can still go on, to where it would have come anyway.
    whole = train(recipe, people_folder, out, cache=prepared_cache)
    straight = train(recipe, people_folder, tmp_path / "straight", cache=prepared_cache)
    assert (whole.position.done, whole.kept_epoch, whole.measured["epoch"]) == (24, 4, 4)
    assert open_model(whole.model).digest == open_model(straight.model).digest
