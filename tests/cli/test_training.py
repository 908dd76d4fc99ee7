"""``train`` and ``search``, and what is done with the model file afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from shutil import copytree

import pytest
from PIL import Image
from tests.cli.conftest import Run
from tests.models.test_file import made
from tests.training.trainings import TINY, draw_people

from firstsight.models import Calibration, Model
from firstsight.models.file import read_twin, write_twin
from firstsight.training import loop

MORE = ("--set", "schedule.epochs=4", "--set", "data.held_out=0.5")


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tiny.toml").write_text(TINY)
    return draw_people(tmp_path / "pictures", people=24, each=8)


def test_a_trained_twin_is_put_to_work_at_once(run: Run, pictures: Path) -> None:
    (pictures / "person-00" / "broken.png").write_bytes(b"no picture")
    ran = run("train", "tiny.toml", "--data", pictures, "--out", "run", *MORE)
    assert ran.status == 0, ran.err
    assert "Validation after epoch 4: one-shot among 4: " in ran.out
    assert "1 picture was left out:" in ran.err
    assert "person-00/broken.png" in ran.err
    model = "run/model.safetensors"
    assert {"model.safetensors", "run.json", "curves.png", "log.jsonl"} <= {
        path.name for path in (pictures.parent / "run").iterdir()
    }
    with Image.open("run/curves.png") as drawn:
        assert drawn.width > 1000
    known = pictures / "person-01"
    assert run("enroll", known / "0.png", "--name", "one", "--model", model).status == 0
    found = run("identify", known / "1.png", "--model", model, "--fpir", 0.2, "--json").json
    assert found["photos"][0]["faces"][0]["best"]["person"] == "one"
    pair = run("verify", known / "1.png", known / "2.png", "--model", model, "--fmr", 0.01, "--json").json
    assert pair["model"] == "tiny"
    assert pair["similarity"] > 0.5
    # Half of the folder was trained on, and a test over it would tell nothing.
    tested = run("evaluate", model, "--protocol", "transfer", "--data", pictures)
    assert tested.status == 2
    assert "was trained on 12 of the identities" in tested.err
    fresh = draw_people(pictures.parent / "fresh" / "others", people=6, seed=9).parent
    for folder in sorted((fresh / "others").iterdir()):
        folder.rename(folder.with_name(f"new-{folder.name}"))
    assert run("evaluate", model, "--protocol", "transfer", "--data", fresh).status == 0


def test_a_percentage_says_among_how_many(run: Run, pictures: Path) -> None:
    """Two are held out of 24, so that a guess is right in every second trial."""
    ran = run("train", "tiny.toml", "--data", pictures, "--out", "run", "--set", "data.held_out=0.1")
    assert ran.status == 0, ran.err
    assert re.search(
        r"^Validation after epoch 2: one-shot among 2 \(of 4 asked for\): [\d.]+ %\.$", ran.out, re.M
    )


def test_a_run_that_nobody_watches_says_how_it_goes(
    run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("train", "tiny.toml", "--data", pictures, "--set", "data.held_out=0.5", "--out")
    told = run(*command, "run").err.splitlines()
    assert [line.split(" %")[0].rstrip("0123456789.") for line in told if line.startswith("Epoch ")] == [
        f"Epoch {epoch} of 2: one-shot among 4: " for epoch in (1, 2)
    ]
    assert not [line for line in told if line.startswith("Step ")]
    # An epoch may take hours.
    monkeypatch.setattr("firstsight.cli.train.EVERY", 0.0)
    told = run(*command, "slow").err.splitlines()
    assert [line.split(":")[0] for line in told if line.startswith("Step ")] == [
        f"Step {step} of 12" for step in range(1, 13)
    ]
    assert "loss " in next(line for line in told if line.startswith("Step "))
    # On a terminal there is a bar.
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "Epoch 1 of" not in run(*command, "seen").err


def test_ctrl_c_tells_how_to_go_on(run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = 0

    @contextmanager
    def stopping() -> Iterator[Callable[[], None]]:
        steps = count(1)

        def look() -> None:
            if next(steps) > at:
                raise KeyboardInterrupt

        yield look

    command = ("train", "tiny.toml", "--data", pictures, "--out", "run", *MORE)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "held_back", stopping)
        patched.setattr(loop, "write_checkpoint", lambda *_: None)
        early = run(*command)
    assert (early.status, early.out) == (130, "")
    assert "nothing was learnt yet: the same command begins anew" in early.err
    with monkeypatch.context() as patched:
        at = 5
        patched.setattr(loop, "held_back", stopping)
        late = run(*command)
    assert late.status == 130
    assert late.err.endswith(
        "run is kept: the same command goes on, and with --finish makes the model of what it has.\n"
    )
    assert run(*command, "--finish").status == 0
    assert json.loads(Path("run/run.json").read_text("utf-8"))["steps"] == 6


def test_a_model_without_thresholds_gets_them_from_other_pictures(run: Run, pictures: Path) -> None:
    """What `train`, the error of `verify` and the documentation send one to; the gallery stays good."""
    ran = run("train", "tiny.toml", "--data", pictures, "--out", "run", "--set", "data.held_out=0.0")
    assert ran.status == 0, ran.err
    model = "run/model.safetensors"
    assert f"firstsight calibrate {model} --data PATH" in ran.err
    assert "of 200 identities or more" in ran.err
    pair = ("verify", pictures / "person-01" / "1.png", pictures / "person-01" / "2.png", "--model", model)
    assert "firstsight calibrate FILE.safetensors" in run(*pair).err
    assert run("enroll", pair[1], "--name", "one", "--model", model).status == 0
    before = Path(model).read_bytes()
    seen = run("calibrate", model, "--data", pictures)
    assert seen.status == 2
    assert seen.err.startswith(f"error [usage]: {model} was trained on 24 of the identities")
    assert "rename the folders where these are others" in seen.err
    assert Path(model).read_bytes() == before
    others = draw_people(pictures.parent / "others", people=210, each=3, seed=9)
    for folder in sorted(others.iterdir()):
        folder.rename(folder.with_name(f"new-{folder.name}"))
    for name in ("new-person-00", "new-person-01"):
        copytree(others / name, pictures.parent / "few" / name)
    few = run("calibrate", model, "--data", pictures.parent / "few")
    assert few.status == 2
    assert "has 2 identities; a calibration needs 200" in few.err
    ran = run("calibrate", model, "--data", others)
    assert ran.status == 0, ran.err
    assert "FMR 0.01: threshold " in ran.out
    assert f"Written into {model}" in ran.out
    assert not list(Path("run").glob("*.safetensors.json"))
    assert run(*pair, "--fmr", 0.01).status in (0, 1)
    assert run("identify", pair[1], "--model", model, "--fpir", 0.2).status in (0, 1)


def test_a_model_that_changed_meanwhile_is_not_put_back(
    run: Run, pictures: Path, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration, path = sface.calibrated(), Path("model.safetensors")
    write_twin(path, made())

    def compute(*_: object, **__: object) -> Calibration:
        write_twin(path, made("euclidean"))
        return calibration

    monkeypatch.setattr("firstsight.evaluation.calibrate", compute)
    ran = run("calibrate", path, "--data", pictures)
    assert ran.status == 2
    assert "became another model meanwhile" in ran.err
    assert read_twin(path).blueprint.head == "euclidean"
    assert read_twin(path).calibration is None


def test_thresholds_for_further_views_stay_out_of_the_model_file(
    run: Run, pictures: Path, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opens without those views."""
    path = pictures.parent / "runs" / "model.safetensors"
    path.parent.mkdir()
    write_twin(path, made())
    before = path.read_bytes()
    monkeypatch.setattr("firstsight.evaluation.calibrate", lambda *_, **__: sface.calibrated())
    ran = run("calibrate", path, "--data", pictures, "--shifted", 1)
    assert ran.status == 0, ran.err
    assert path.read_bytes() == before
    assert (pictures.parent / "model.json").is_file()
    assert f"firstsight export {path} model.onnx --shifted 1 --calibration model.json" in ran.out


def test_an_exported_model_takes_no_calibration(run: Run, pictures: Path) -> None:
    ran = run("calibrate", "model.onnx", "--data", pictures)
    assert ran.status == 2
    assert "exported from" in ran.err
    assert not list(pictures.parent.glob("*.json"))


def test_a_gallery_made_with_a_file_asks_for_the_file(run: Run, pictures: Path) -> None:
    run("train", "tiny.toml", "--data", pictures, "--out", "run", *MORE)
    photo = pictures / "person-01" / "0.png"
    assert run("enroll", photo, "--name", "one", "--model", "run/model.safetensors").status == 0
    without = run("identify", photo)
    assert without.status == 2
    assert "[unknown_model]" in without.err
    assert "people.db was made with a model file called tiny" in without.err
    assert "--model PATH" in without.err
    assert run("people", "list").status == 0


def test_a_file_that_bears_the_name_of_a_model_that_ships(run: Run, people: dict[str, list[Path]]) -> None:
    """An export keeps it, and a twin gets its recipe's; what ships under that name is another model."""
    name, photos = next(iter(people.items()))
    assert run("export", "faces-distilled", "mine.onnx").status == 0
    assert run("enroll", photos[0], "--name", name, "--model", "mine.onnx").status == 0
    without = run("identify", photos[1])
    assert without.status == 2
    assert "people.db was made with a model file called faces-distilled" in without.err
    assert "--model PATH" in without.err
    assert run("identify", photos[1], "--model", "mine.onnx").status == 0


def test_what_cannot_be_trained(run: Run, pictures: Path) -> None:
    def train(*arguments: object) -> str:
        ran = run("train", *arguments, "--out", "run")
        assert ran.status == 2
        return ran.err

    assert "error [recipe]" in train("none.toml", "--data", pictures)
    unknown = train("tiny.toml", "--data", pictures, "--set", "schedule.epoch=3")
    assert unknown.startswith("error [recipe]: ")
    assert "schedule.epochs" in unknown
    assert "error [data]" in train("tiny.toml", "--data", "missing")
    (pictures / "person-00" / "broken.png").write_bytes(b"no picture")
    assert "broken.png" in train("tiny.toml", "--data", pictures, "--strict")
    assert not (pictures.parent / "run" / "model.safetensors").exists()


def test_a_search_leaves_a_recipe_and_goes_on(run: Run, pictures: Path) -> None:
    asked = ("search", "tiny.toml", "--data", pictures, "--out", "found", "--epochs", 1)
    ran = run(*asked, "--trials", 2)
    assert ran.status == 0, ran.err
    assert "Best of 2 trials" in ran.out
    assert len(json.loads((pictures.parent / "found" / "trials.json").read_text())) == 2
    assert "Best of 3 trials" in run(*asked, "--trials", 3).out
    assert run("train", "found/best.toml", "--data", pictures, "--out", "run").status == 0
