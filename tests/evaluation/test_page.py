from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.datasets import open_archive
from firstsight.errors import UsageError
from firstsight.evaluation import Measure, Result
from firstsight.evaluation.page import write_page
from firstsight.evaluation.result import Curve, Example

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 220)}


@pytest.fixture
def result(tmp_path: Path) -> Result:
    for name, colour in COLOURS.items():
        Image.new("RGB", (40, 60), colour).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    line = np.array([0.1, 0.9])
    return Result(
        "toy",
        "No <outside> data.",
        {"accuracy": Measure(0.5, 0.25, 0.75, 400)},
        {"ways": 2},
        {"model": "m"},
        (Curve("toy & curve", "x", "y", {"a": (line, line), "b": (line, 1 - line)}),),
        (Example("red.png", ("green.png", "blue.png", "broken.png"), (0.1, 0.9, 0.2), truth=0, answer=1),),
        open_archive(tmp_path),
    )


def test_a_page_stands_alone_and_shows_the_trial(result: Result, tmp_path: Path) -> None:
    page = write_page(result, tmp_path / "out").read_text("utf-8")
    assert "50.00 %" in page
    assert "[25.00 to 75.00]; n 400" in page
    assert "No &lt;outside&gt; data." in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    pictures = [base64.b64decode(found) for found in re.findall(r"data:image/jpeg;base64,([^\"]+)", page)]
    colours = []
    for content in (pictures[0], pictures[1], pictures[3]):
        with Image.open(io.BytesIO(content)) as opened:
            colours.append(int(np.asarray(opened).mean(axis=(0, 1)).argmax()))
    # The probe, then what it was compared with by falling similarity; a broken picture is grey.
    assert colours == [0, 2, 1]
    assert len(pictures) == 4
    kinds = re.findall(r"<figure class=\"(\w*)\"", page)
    assert kinds == ["wrong", "", "truth"]


def test_a_run_with_other_views_or_another_seed_has_a_page_of_its_own(result: Result, tmp_path: Path) -> None:
    """Or the page of the plain run would be lost."""
    names = {
        write_page(replace(result, provenance={"model": "m", **others}), tmp_path / "out").name
        for others in (
            {"mirrored": False, "shifted": 0, "seed": 0},
            {"mirrored": True, "shifted": 0, "seed": 0},
            {"mirrored": True, "shifted": 3, "seed": 0},
            {"mirrored": False, "shifted": 0, "seed": 4},
        )
    }
    assert names == {
        "toy-m.html",
        "toy-m-mirrored.html",
        "toy-m-mirrored-shifted-3.html",
        "toy-m-seed-4.html",
    }


@pytest.mark.parametrize(
    ("model", "file"),
    [
        ("x/../../outside/index", "toy-x_.._.._outside_index.html"),
        ("/etc/x\\y\n\0", "toy-_etc_x_y__.html"),
        ("..", "toy-_.html"),
        ("", "toy-_.html"),
        ("caf\u00e9 v1.2", "toy-caf\u00e9_v1.2.html"),
    ],
)
def test_no_name_of_a_model_leads_out_of_the_folder(
    result: Result, tmp_path: Path, model: str, file: str
) -> None:
    """A model file says by itself what its model is called, and may be a stranger's."""
    out = tmp_path / "sub" / "out"
    assert write_page(replace(result, provenance={"model": model}), out) == out / file
    assert [path for path in (tmp_path / "sub").rglob("*") if path.is_file()] == [out / file]


def test_a_page_that_cannot_be_written(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file"):
        write_page(result, tmp_path / "file")
