from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Run
from tests.models.test_file import made

from firstsight.datasets import Archive, Identities, open_identities
from firstsight.evaluation import Measure, Result
from firstsight.evaluation import protocols as room
from firstsight.evaluation.embedding import Templates
from firstsight.evaluation.protocols.protocol import Protocol
from firstsight.evaluation.result import Curve
from firstsight.models import Calibration, Model, open_model
from firstsight.models.file import write_twin

People = dict[str, list[Path]]


@pytest.fixture
def lfw(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out as LFW; templates go to a cache of the test's."""
    for name in list(people)[:3]:
        folder = tmp_path / "lfw" / name
        folder.mkdir(parents=True)
        for number, photo in enumerate(people[name][:2], start=1):
            shutil.copy(photo, folder / f"{name}_{number:04d}.jpg")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_evaluate_measures_and_writes(run: Run, lfw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From photos to JSON and picture; the protocol itself is a small one of the test's."""

    def toy(model: Model, data: Identities, templates: Templates, seed: int) -> Result:
        first, second = templates.embeddings[:2]
        likeness = float(first @ second)
        line = ([0.0, 1.0], [0.0, likeness])
        return Result(
            "toy",
            "No outside data.",
            {"likeness": Measure(likeness, likeness, likeness, 1)},
            {},
            {"model": model.name, "seed": seed},
            (Curve("toy", "x", "y", {"toy": line}),),  # type: ignore[dict-item]
        )

    def everything(data: Identities) -> tuple[Archive, list[str]]:
        return data.archive, data.names()

    protocol = Protocol(open_identities, everything, lambda data: data.pictures.keys(), toy)
    monkeypatch.setitem(room.PROTOCOLS, "toy", protocol)
    ran = run(
        "evaluate",
        "sface",
        *("--protocol", "toy", "--data", lfw, "--json", "out/toy.json", "--picture", "toy.png", "--seed", 4),
        *("--report", "pages", "--mirrored"),
    )
    assert ran.status == 0, ran.err
    found = json.loads((lfw / "out" / "toy.json").read_text())
    assert found["likeness"]["value"] > 0.4
    assert found["provenance"] == {"model": "sface", "seed": 4}
    assert "likeness" in ran.out
    assert "likeness" in (lfw / "pages" / "toy-sface-seed-4.html").read_text()
    with Image.open(lfw / "toy.png") as drawn:
        assert drawn.width > 400


def test_what_cannot_be_measured(run: Run, lfw: Path) -> None:
    few = run("evaluate", "sface", "--protocol", "n-way", "--data", lfw, "--json", "out.json")
    assert few.status == 2
    assert few.err.startswith("error [data]: 1000-way one-shot needs 1000 people")
    assert not (lfw / "out.json").exists()
    assert "[data]" in run("evaluate", "sface", "--protocol", "lfw-view2", "--data", lfw).err
    assert "[data]" in run("evaluate", "sface", "--protocol", "n-way", "--data", "missing").err
    assert "[usage]" in run("evaluate", "sface", "--protocol", "none", "--data", lfw).err
    assert "[unknown_model]" in run("evaluate", "none", "--protocol", "n-way", "--data", lfw).err


@pytest.mark.parametrize("protocol", ["transfer", "n-way", "omniglot-runs", "omniglot-within"])
def test_a_curve_that_there_is_not_is_refused_before_the_work(
    run: Run, tmp_path: Path, protocol: str
) -> None:
    ran = run("evaluate", "sface", "--protocol", protocol, "--data", "missing", "--picture", "curve.png")
    assert ran.status == 2
    assert ran.err.startswith(f"error [usage]: {protocol} has no curve to draw.")
    assert not list(tmp_path.iterdir())


def test_so_is_a_picture_of_no_format(run: Run) -> None:
    for command in (("evaluate", "sface", "--protocol", "lfw-view2"), ("calibrate", "sface")):
        ran = run(*command, "--data", "missing", "--picture", "curve.doc")
        assert ran.status == 2
        assert ran.err.startswith("error [usage]: curve.doc cannot be drawn")
        # A good one gets as far as the data.
        assert "[data]" in run(*command, "--data", "missing", "--picture", "curve.png").err


def test_calibrate_writes_what_a_model_reads(
    run: Run, lfw: Path, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = run("calibrate", "sface", "--data", lfw / "lfw")
    assert few.status == 2
    assert few.err.startswith("error [data]: ")
    assert not (lfw / "sface.json").exists()
    # Three people are far too few to calibrate; the command is what is tested here.
    monkeypatch.setattr("firstsight.evaluation.calibrate", lambda *_, **__: sface.calibrated())
    ran = run("calibrate", "sface", "--data", lfw / "lfw", "--picture", "calibration.png")
    assert ran.status == 0, ran.err
    assert "FMR 0.001: threshold 0." in ran.out
    assert Calibration.from_json((lfw / "sface.json").read_text()) == sface.calibrated()
    assert (lfw / "calibration.png").is_file()
    assert "firstsight export sface sface.onnx --calibration sface.json" in ran.out


def test_who_calibrates_a_model_file_is_no_test_for_it(
    run: Run, lfw: Path, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_twin(lfw / "mine.safetensors", made())
    monkeypatch.setattr("firstsight.evaluation.calibrate", lambda *_, **__: sface.calibrated())
    ran = run("calibrate", "mine.safetensors", "--data", lfw / "lfw")
    assert ran.status == 0, ran.err
    assert "marks of these 3 identities" in ran.out
    everyone = {folder.name for folder in (lfw / "lfw").iterdir()}
    assert open_model(lfw / "mine.safetensors").chosen_by(everyone) == everyone
    refused = run("evaluate", "mine.safetensors", "--protocol", "open-set", "--data", lfw)
    assert refused.status == 2
    assert "was chosen by 3 of the identities of open-set" in refused.err


def test_who_is_left_out_of_a_calibration_may_still_be_tested(
    run: Run, lfw: Path, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_twin(lfw / "mine.safetensors", made())
    asked: list[frozenset[str]] = []

    def compute(*_: object, without: frozenset[str], **__: object) -> Calibration:
        asked.append(without)
        return sface.calibrated()

    monkeypatch.setattr("firstsight.evaluation.calibrate", compute)
    first, *others = sorted(folder.name for folder in (lfw / "lfw").iterdir())
    (lfw / "test.txt").write_text(f"# of a test\n{first}\n")
    calibrate = ("calibrate", "mine.safetensors", "--data", lfw / "lfw", "--without", "test.txt")
    ran = run(*calibrate)
    assert ran.status == 0, ran.err
    assert asked == [frozenset({first})]
    assert open_model(lfw / "mine.safetensors").chosen_by([first, *others]) == {*others}
    (lfw / "test.txt").write_text(f"{first}\nNobody\n")
    assert "test.txt names 1 whom" in run(*calibrate).err
    (lfw / "test.txt").unlink()
    assert "test.txt cannot be read" in run(*calibrate).err
    assert len(asked) == 1


def test_thresholds_for_further_views_are_sealed_into_a_file(
    run: Run, lfw: Path, people: People, sface: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that calibrate names makes a file that verifies and identifies."""
    monkeypatch.setattr("firstsight.evaluation.calibrate", lambda model, *_, **__: made_for(model, sface))
    given = ("--mirrored", "--shifted", "2")
    ran = run("calibrate", "sface", "--data", lfw / "lfw", *given, "--out", "views.json")
    assert ran.status == 0, ran.err
    told = next(line for line in ran.out.splitlines() if "firstsight export" in line)
    words = told.partition("firstsight ")[2].split()
    assert words == ["export", "sface", "sface.onnx", *given, "--calibration", "views.json"]
    ran = run(*words)
    assert ran.status == 0, ran.err
    assert "Thresholds: of 9094 identities" in ran.out
    same = people[next(iter(people))][:2]
    assert run("verify", *same, "--model", "sface.onnx").status == 0
    plain = run("export", "sface", "plain.onnx", "--calibration", "views.json")
    assert plain.status == 2
    assert "with --mirrored --shifted 2, not with none" in plain.err
    assert not (lfw / "plain.onnx").exists()


def test_an_export_with_further_views_says_that_it_has_no_thresholds(run: Run, people: People) -> None:
    ran = run("export", "faces-distilled", "mirrored.onnx", "--mirrored")
    assert ran.status == 0, ran.err
    assert "Thresholds: none" in ran.out
    assert "firstsight calibrate faces-distilled --data FOLDER --mirrored" in ran.out
    refused = run("verify", *people[next(iter(people))][:2], "--model", "mirrored.onnx")
    assert refused.status == 2
    assert "[not_calibrated]" in refused.err


def made_for(model: Model, sface: Model) -> Calibration:
    seen = model.preprocessing
    views: dict[str, str | int] = {
        "preprocessing": seen.version,
        "mirrored": seen.mirrored,
        "shifted": seen.shifted,
    }
    shipped = sface.calibrated()
    return replace(shipped, provenance={**shipped.provenance, **views})


def test_report_renders_results(run: Run, tmp_path: Path) -> None:
    result = {
        "protocol": "toy",
        "rule": "No outside data.",
        "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100},
        "settings": {"seed": 1},
        "provenance": {"model": "sface", "made": "2026-01-01"},
    }
    (tmp_path / "toy.json").write_text(json.dumps(result))
    assert run("report", "toy.json", "--page", "page.md").status == 0
    page = (tmp_path / "page.md").read_text()
    assert "| accuracy | 90.00 % [80.00 to 95.00], n 100 |" in page
    (tmp_path / "bad.json").write_text("[]")
    assert "[data]" in run("report", "bad.json", "--page", "page.md").err
    assert (tmp_path / "page.md").read_text() == page
