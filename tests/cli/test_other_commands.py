from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Run

import firstsight
from firstsight.recognizer import Encoder

People = dict[str, list[Path]]


def test_version(run: Run) -> None:
    assert run("--version").out == f"firstsight {firstsight.__version__}\n"


def test_verify(run: Run, people: People) -> None:
    ada, bob = people["Amara"], people["Hugo"]
    same = run("verify", ada[0], ada[1])
    assert same.status == 0
    assert same.out.startswith("The same person: similarity 0.")
    assert "between photos of one person than of two" in same.out
    other = run("verify", ada[0], bob[0])
    assert other.status == 1
    assert "between photos of two people than of one" in other.out
    found = run("verify", ada[0], ada[1], "--fmr", "1e-4", "--json").json
    assert set(found) == {"model", "same", "similarity", "threshold", "fmr", "likelihood_ratio"}
    assert (found["same"], found["fmr"], found["model"]) == (True, 1e-4, "sface")
    assert "[not_calibrated]" in run("verify", ada[0], ada[1], "--fmr", "0").err


def test_classify(run: Run, people: People, tmp_path: Path) -> None:
    names = list(people)[:4]
    (tmp_path / "support").mkdir()
    for name in names:
        shutil.copy(people[name][0], tmp_path / "support" / f"{name}.jpg")
    probes = [people[name][1] for name in names]
    ran = run("classify", *probes, "--support", "support", "--json", "--picture", "answer.png")
    assert ran.status == 0
    assert [one["person"] for one in ran.json["probes"]] == names
    assert {row["person"] for row in ran.json["probes"][0]["similarities"]} == set(names)
    with Image.open(tmp_path / "answer.png") as drawn:
        assert drawn.width > 400
    shown = run("classify", probes[0], "--support", "support").out
    assert all(name in shown for name in names)
    assert "[usage]" in run("classify", probes[0], "--support", "missing").err


def test_reembed(run: Run, people: People) -> None:
    first, second = list(people)[:2]
    run("enroll", people[first][0], "--name", first, "--keep-crops")
    run("enroll", people[second][0], "--name", second)
    ran = run("reembed", "--model", "dlib")
    assert ran.status == 2
    assert f"To be enrolled again: {second}." in ran.out
    assert "Nothing was changed" in ran.err
    assert run("people", "list", "--json").json["model"] == "sface"
    done = run("reembed", "--model", "dlib", "--drop", "--json").json
    assert (done["moved"], done["embedded"], done["enroll_again"]) == (True, 1, [second])
    assert run("people", "list", "--json").json["model"] == "dlib"
    assert run("identify", people[first][1]).status == 0


def test_models(run: Run) -> None:
    found = {model["name"]: model for model in run("models", "--json").json["models"]}
    assert found["sface"]["default"]
    assert found["sface"]["installed"]
    assert found["sface"]["licence"] == "Apache-2.0"
    assert found["sface"]["figures"]["lfw-view2"]["accuracy"] > 0.99
    assert found["sface"]["calibration"]["people"] == 9094
    assert found["omniglot-modern"]["calibration"]["pairs_of_people"] == 68 * 67 // 2
    shown = run("models").out
    assert "Thresholds: 9,094 identities (celeba_crop128.zip)" in shown
    assert "FMR measured down to 3e-05, continued to 2e-07; below 0.01 on less than 30 pairs" in shown
    assert "Apache-2.0" in shown
    assert "99." in shown


def test_a_model_that_is_not_installed_says_how(
    run: Run, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import metadata

    def missing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    installed = {model["name"]: model["installed"] for model in run("models", "--json").json["models"]}
    # The twins of ours are part of the package.
    carried = {"omniglot-modern": True, "lfw-only": True, "faces-distilled": True}
    assert installed == {"sface": False, "dlib": False, **carried}
    ran = run("verify", *next(iter(people.values()))[:2], "--model", "dlib")
    assert ran.status == 2
    assert "[model_missing]" in ran.err
    assert "pip install" in ran.err


def test_demo(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--picture", "demo.png")
    assert ran.status == 0
    assert "wrong" not in ran.out
    assert "nobody I know" in ran.out
    with Image.open(tmp_path / "demo.png") as drawn:
        assert drawn.width > 1000


def test_a_model_that_the_demo_cannot_show(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--model", "omniglot-modern")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error [usage]: The model omniglot-modern sees whole pictures")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_is_said_in_one_line(run: Run, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Encoder, "faces", interrupted)
    ran = run("verify", *next(iter(people.values()))[:2])
    assert (ran.status, ran.out) == (130, "")
    assert ran.err == "Interrupted; what was acknowledged is kept.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["verify", "a.jpg", "b.jpg", "--model", f"{'n' * 300}.safetensors"],
        ["classify", "a.jpg", "--support", "n" * 300, "--json"],
        ["enroll", "--folder", "n" * 300],
    ],
)
def test_a_name_that_no_disk_takes(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.status == 2
    assert ran.err.startswith("error [usage]: nnn")
    assert ran.err.count("\n") == 1
    assert not ran.out or ran.json["error"]["code"] == "usage"


ODD = os.fsdecode(b"caf\xe9 \xf0\x9f\x99\x82.jpg")


@pytest.mark.parametrize("output", ["utf-8", "latin-1", "utf-8:surrogateescape"])
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_file_s_name_that_is_no_text(people: People, tmp_path: Path, output: str) -> None:
    """All is enrolled by then: what is said of it must not fail."""
    (tmp_path / "photos" / "Ada").mkdir(parents=True)
    shutil.copy(people["Amara"][0], tmp_path / "photos" / "Ada" / ODD)
    (tmp_path / "photos" / "Ada" / f"bad {ODD}").write_text("no picture")

    def said(*arguments: object) -> str:
        told = {"PYTHONIOENCODING": output, "FIRSTSIGHT_GALLERY": str(tmp_path / "people.db")}
        program = [sys.executable, "-m", "firstsight", *map(str, arguments)]
        ran = subprocess.run(program, cwd=tmp_path, env=os.environ | told, capture_output=True, check=False)
        assert b"Traceback" not in ran.stderr, ran.stderr
        return ran.stdout.decode(output.partition(":")[0])

    photos = json.loads(said("enroll", "--folder", "photos", "--json"))["photos"]
    assert sorted(photo["photo"] for photo in photos) == [f"Ada/bad {ODD}", f"Ada/{ODD}"]
    assert "udce9" in said("enroll", "--folder", "photos")
    assert "udce9" in said("people", "show", "Ada")
    assert "\U0001f642.jpg" in json.loads(said("people", "show", "Ada", "--json"))["photos"][0]["source"]
