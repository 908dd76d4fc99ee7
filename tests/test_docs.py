"""What the pages say is what the project does and has measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from benchmarks.page import write_page

from firstsight import errors
from firstsight.cli.app import app
from firstsight.datasets.splits import people_of_lfw
from firstsight.evaluation.protocols import DEVELOPED
from firstsight.evaluation.report import write_report
from firstsight.models import open_model

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
CLI = (ROOT / "docs" / "cli.md").read_text("utf-8")
RESULTS = ROOT / "src" / "firstsight" / "models" / "results"
SPEED = ROOT / "docs" / "results" / "speed.json"
BENCHMARKS = ROOT / "docs" / "benchmarks.md"


def loaded(name: str) -> Any:
    """Figures that the package ships, or that lie beside the pages."""
    (found,) = [path for folder in (RESULTS, SPEED.parent) if (path := folder / f"{name}.json").is_file()]
    return json.loads(found.read_text("utf-8"))


ROWS = {
    "LFW View 2": ("lfw-view2", "accuracy"),
    "TAR at FAR 1e-3": ("lfw-view2", "tar_at_far_1e-3"),
    "one-shot among 1,000": ("n-way", "accuracy"),
    "strangers wrongly named": ("open-set", "fpir"),
    "people missed": ("open-set", "fnir"),
    "the face is found": ("lfw-view2", "faces_found"),
}


@pytest.mark.parametrize("title", ROWS)
def test_the_figures_of_the_readme_are_the_measured_ones(title: str) -> None:
    protocol, measure = ROWS[title]
    (row,) = [line for line in README.splitlines() if line.startswith("|") and title in line]
    shown = [cell.strip() for cell in row.strip("|").split("|")[1:]]
    values = [loaded(f"{model}-{protocol}")[measure]["value"] for model in ("sface", "dlib")]
    assert shown == [f"{100 * value:.2f} %" for value in values]


TWINS = {
    "20 official runs": ("omniglot-modern-omniglot-runs", "accuracy"),
    "each picture also moved": ("omniglot-modern-shifted-3-omniglot-runs", "accuracy"),
    "24,000 more trials": ("omniglot-modern-shifted-3-omniglot-within", "accuracy"),
    "View 1": ("lfw-only-lfw-view1", "accuracy"),
    "View 2 of LFW": ("lfw-only-lfw-view2", "accuracy"),
    "half of its people": ("lfw-only-mirrored-lfw-view2", "accuracy"),
    "20-way one-shot": ("lfw-only-lfw-view1", "one_shot_20_way"),
    "the ten folds of LFW": ("faces-distilled-lfw-view2", "accuracy"),
    "1,000-way one-shot": ("faces-distilled-n-way", "accuracy"),
    "not known again": ("faces-distilled-open-set", "fnir"),
}


@pytest.mark.parametrize("title", TWINS)
def test_the_figures_of_our_twins_are_the_measured_ones(title: str) -> None:
    name, measure = TWINS[title]
    rows = [line for line in README.splitlines() if line.startswith("|") and title in line]
    assert f"{100 * loaded(name)[measure]['value']:.2f} %" in rows[-1]


def test_a_twin_of_ours_that_was_developed_on_the_pairs_shown_is_said_to_be() -> None:
    """And that others' network has found its faces, which no JSON of before says."""
    (row,) = [line for line in README.splitlines() if line.startswith("|") and "View 1" in line]
    assert DEVELOPED in loaded("lfw-only-lfw-view1")["rule"]
    assert "(developed on these pairs)" in row
    assert "aligned by YuNet" in row


def test_what_is_said_of_the_paper_s_twin_is_as_measured() -> None:
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    measured = {
        name: f"{100 * loaded(f'omniglot-koch-he-{name}')['accuracy']['value']:.2f} %"
        for name in (
            "omniglot-runs",
            "shifted-3-omniglot-runs",
            "omniglot-pairs",
            "omniglot-within-10",
        )
    }
    for figure in measured.values():
        assert figure in page
    assert f"{measured['omniglot-runs']} of the official runs" in README
    assert f"{measured['shifted-3-omniglot-runs']} with each drawing also moved" in README
    runs = [
        json.loads(path.read_text("utf-8")) for path in SPEED.parent.glob("omniglot-koch-he*training.json")
    ]
    assert f"{round(sum(run['pictures_seen'] for run in runs), -4):,} drawings in ten hours" in page
    assert round(sum(run["seconds"] for run in runs) / 3600) == 10


def test_the_minutes_of_our_twins_are_those_of_all_their_runs() -> None:
    (said,) = re.findall(r"trained in (\d+), (\d+) and (\d+) minutes", README)
    runs = ["omniglot-modern-training", "lfw-only-training", "faces-distilled-*training"]
    took = [
        sum(json.loads(path.read_text("utf-8"))["seconds"] for path in SPEED.parent.glob(f"{run}.json")) / 60
        for run in runs
    ]
    assert [int(minutes) for minutes in said] == [round(minutes) for minutes in took]


def test_the_speeds_of_the_readme_are_the_measured_ones() -> None:
    speed = json.loads(SPEED.read_text("utf-8"))
    embedding, name, search = (
        speed[measure]["value"]
        for measure in ("embedding_ratio_to_dlib", "photo_to_name_ratio_to_face_recognition", "search")
    )
    assert f"{embedding:.1f} times as fast as dlib's wheel" in README
    assert f"{name:.1f} times as fast as with `face_recognition`" in README
    assert f"100,000 templates takes {search:.1f} ms" in README


def test_the_gain_of_all_pairs_is_the_measured_one() -> None:
    found = json.loads((SPEED.parent / "pairs.json").read_text("utf-8"))
    page = (ROOT / "docs" / "training.md").read_text("utf-8")
    assert f"{found['ratio']:.0f} times as many pairs" in page
    assert round(found["seconds_to_accuracy_usual"] / found["seconds_to_accuracy"]) == 3
    assert "a third of the time" in page


def test_who_of_celeba_is_in_lfw_is_told_as_measured() -> None:
    found = json.loads((SPEED.parent / "overlap.json").read_text("utf-8"))
    page = (ROOT / "docs" / "research" / "face-twin.md").read_text("utf-8")
    sure, left_out = found["in_lfw_for_sure"]["value"], found["left_out"]["value"]
    for model in ("sface", "dlib"):
        used = open_model(model).calibrated().provenance
        assert used["people_left_out"] == left_out
        told = f"on {used['people']:,} people of CelebA: {sure} more are surely [in LFW as well]"
        assert told in README
        assert f"all {left_out} who may be are left out" in README
    assert f"{sure} pairs of people are as alike as 0.6" in page
    assert f"all {left_out} people of CelebA who reach 0.5" in page
    assert len(people_of_lfw()) == left_out
    touched, rest = (
        100 * found[f"view2_accuracy_{which}"]["value"] for which in ("with_one_of_them", "without")
    )
    assert f"{found['view2_pairs_with_one_of_them']['value']} of View 2's 6,000 pairs" in page
    assert f"{touched:.2f} % of those rightly and {rest:.2f} % of the others" in page


def linked(page: Path) -> list[Path]:
    """The JSON files that a page shows, in its order."""
    links = re.findall(r"\[JSON\]\((.+?)\)", page.read_text("utf-8"))
    return [(page.parent / link).resolve() for link in links]


def test_every_result_is_shown_on_a_page() -> None:
    shown = {*linked(ROOT / "docs" / "results.md"), *linked(BENCHMARKS)}
    assert shown == {*RESULTS.glob("*.json"), *SPEED.parent.glob("*.json")}


def test_the_benchmarks_page_is_rendered_from_its_files(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(SPEED.parent)
    write_page(tmp_path / BENCHMARKS.name, plots=False)
    assert (tmp_path / BENCHMARKS.name).read_text("utf-8") == BENCHMARKS.read_text("utf-8")
    for picture in re.findall(r"!\[.*?\]\((.+?)\)", BENCHMARKS.read_text("utf-8")):
        assert (BENCHMARKS.parent / picture).is_file(), picture


def test_the_results_page_is_rendered_from_its_files(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    links = linked(ROOT / "docs" / "results.md")
    write_report(tmp_path / "docs" / "results.md", links)
    tables = [line for line in page.splitlines() if line.startswith("| ")]
    rendered = (tmp_path / "docs" / "results.md").read_text("utf-8").splitlines()
    assert tables == [line for line in rendered if line.startswith("| ")]


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, found in getattr(group, "commands", {}).items():
        yield f"{path}{name}", found
        yield from commands(found, f"{path}{name} ")


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    assert f"`{name}" in CLI
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--"):
                assert re.search(rf"{option}\b", CLI)


def test_every_code_of_an_error_is_documented() -> None:
    codes = {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type)
        and issubclass(error, errors.FirstsightError)
        and not error.__subclasses__()
    }
    assert codes <= set(re.findall(r"`(\w+)`", CLI))


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/benchmarks.md",
        "docs/cli.md",
        "docs/service.md",
        "docs/training.md",
        "docs/view2.md",
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for link in re.findall(r"\]\((?!https?://)(.+?)\)", text):
        place, _, heading = link.partition("#")
        led = (ROOT / page).parent / place if place else ROOT / page
        assert led.exists(), link
        headings = re.findall(r"^#+ (.+)$", led.read_text("utf-8"), re.MULTILINE) if heading else []
        assert not heading or heading in [title.lower().replace(" ", "-") for title in headings], link


def test_what_is_said_of_faults_is_tested() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    table = [line for line in page.splitlines() if line.startswith("|")]
    rows = [line for line in table if not line.startswith(("|--", "| what"))]
    assert len(rows) > 20
    for row in rows:
        (path, name) = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)[0]
        assert f"def {name}(" in (ROOT / path).read_text("utf-8"), row
