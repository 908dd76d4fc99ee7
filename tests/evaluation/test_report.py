from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from firstsight.errors import DataError
from firstsight.evaluation.degradations import STEPS
from firstsight.evaluation.report import write_report


def written(folder: Path, name: str, model: str, protocol: str, **others: object) -> Path:
    values: dict[str, object] = {
        "protocol": protocol,
        "rule": "No outside data.",
        "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 100},
        "settings": {"ways": 5},
        "provenance": {"model": model, "made": "2026-01-01", "data": "toy.tar", "data_digest": "ab" * 32},
    }
    place = folder / f"{name}.json"
    place.write_text(json.dumps(values | others))
    return place


def test_models_stand_side_by_side_protocols_in_order(tmp_path: Path) -> None:
    time = {"value": 2.5, "unit": "ms"}
    files = [
        written(tmp_path, "speed", "a", "speed", time=time),
        written(tmp_path, "b", "b", "n-way", recall={"value": 0.5, "low": 0.4, "high": 0.6, "n": 2}),
        written(tmp_path, "a", "a", "n-way"),
        written(tmp_path, "view2", "a", "lfw-view2", settings={"ways": 7}),
    ]
    (tmp_path / "docs" / "results").mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(tmp_path / "docs" / "results" / "b.png")
    write_report(tmp_path / "docs" / "results.md", files)
    page = (tmp_path / "docs" / "results.md").read_text()
    assert page.index("LFW View 2, ten folds") < page.index("One-shot") < page.index("Speed")
    assert "| measure | b | a |" in page
    assert "| accuracy | 90.00 % [80.00 to 95.00], n 100 | 90.00 % [80.00 to 95.00], n 100 |" in page
    assert "| recall | 50.00 % [40.00 to 60.00], n 2 |  |" in page
    assert "| time | 2.50 ms |" in page
    assert "Settings: ways 7. Data: data toy.tar; data_digest abababababab." in page
    assert "- b: made 2026-01-01; [JSON](../b.json)" in page
    assert "![b](results/b.png)" in page
    assert "a.png" not in page


def test_a_rule_that_differs_stands_beside_its_model(tmp_path: Path) -> None:
    """Or one model's training data would seem to be another's."""
    files = [written(tmp_path, "a", "a", "n-way"), written(tmp_path, "b", "b", "n-way", rule="From LFW.")]
    write_report(tmp_path / "page.md", files)
    assert "- a: No outside data.\n- b: From LFW.\n" in (tmp_path / "page.md").read_text()
    write_report(tmp_path / "page.md", files[:1])
    assert "\nNo outside data.\n" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"protocol": "n-way"}'])
def test_what_is_no_result_leaves_the_page_as_it_was(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text("before")
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(DataError, match=r"bad\.json"):
        write_report(page, [written(tmp_path, "good", "a", "n-way"), tmp_path / "bad.json"])
    assert page.read_text() == "before"


@pytest.mark.parametrize(
    "others",
    [
        {"rule": None},
        {"rule": ["No outside data."]},
        {"provenance": "sface"},
        {"provenance": None},
        {"provenance": {"made": "2026-01-01"}},
        {"settings": [1]},
        {"accuracy": {"value": "0.9"}},
        {"accuracy": {"value": None}},
        {"accuracy": {"value": 0.9, "low": 0.8}},
        {"accuracy": {"value": 0.9, "low": "0.8", "high": 0.95}},
        {"accuracy": {"value": 0.9, "n": "100"}},
        {"recipe_digest": "ab", "recipe": {"tower": "koch"}},
        {"protocol": "pairs", "towers": "koch"},
    ],
)
def test_a_result_that_was_changed_is_named_in_the_error(tmp_path: Path, others: dict[str, object]) -> None:
    place = written(tmp_path, "bad", "a", "n-way")
    values = json.loads(place.read_text()) | others
    # A key that is None here is not there at all.
    place.write_text(json.dumps({key: value for key, value in values.items() if value is not None}))
    with pytest.raises(DataError, match=r"bad\.json is no result") as caught:
        write_report(tmp_path / "page.md", [place])
    assert caught.value.hint
    assert not (tmp_path / "page.md").exists()


def test_runs_and_the_pairs_benchmark_are_rendered_as_they_were_written(tmp_path: Path) -> None:
    results = Path(__file__).parents[2] / "docs" / "results"
    runs = [results / "omniglot-modern-training.json", results / "lfw-only-training.json"]
    write_report(tmp_path / "page.md", [*runs, results / "pairs.json"])
    page = (tmp_path / "page.md").read_text("utf-8")
    first, second = (json.loads(run.read_text("utf-8")) for run in runs)
    assert f"| pictures_seen | {first['pictures_seen']:,} | {second['pictures_seen']:,} |" in page
    # Neither run scored pairs: their loss compares pictures with classes.
    assert "pairs_scored" not in page
    ratio = json.loads((results / "pairs.json").read_text("utf-8"))["towers"]["residual"]["ratio"]
    assert f"| residual: ratio | {ratio:.2f} x |" in page
    assert "data omniglot, background-28" in page
    assert "data lfw, view1" in page


def test_runs_of_one_recipe_that_leave_out_other_folds_have_other_names(tmp_path: Path) -> None:
    results = Path(__file__).parents[2] / "docs" / "results"
    runs = [results / f"lfw-only-{part}training.json" for part in ("", "folds-1-5-", "folds-6-10-")]
    write_report(tmp_path / "results.md", runs)
    page = (tmp_path / "results.md").read_text("utf-8")
    assert "| measure | lfw-only | lfw-only, folds-1-5 | lfw-only, folds-6-10 |" in page


def test_robustness_is_drawn_for_all_its_models(tmp_path: Path) -> None:
    share = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 10}
    steps = {f"accuracy_{step}": share for step in STEPS}
    files = [written(tmp_path, name, name, "robustness", **steps) for name in ("a", "b")]
    write_report(tmp_path / "results.md", files)
    both = (tmp_path / "results" / "robustness.png").read_bytes()
    assert "![robustness](results/robustness.png)" in (tmp_path / "results.md").read_text()
    write_report(tmp_path / "results.md", files[:1])
    assert (tmp_path / "results" / "robustness.png").read_bytes() != both


def test_half_a_result_of_robustness_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.json"):
        write_report(tmp_path / "results.md", [written(tmp_path, "a", "a", "robustness")])
