from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.datasets.dataset_makers import png, toy_omniglot, write_people

from firstsight.datasets import layouts
from firstsight.datasets.downloading import PUBLISHED, Remote
from firstsight.datasets.prepared import open_prepared
from firstsight.training.reading import read_recipe
from firstsight.training.run import train

Run = Callable[..., Any]
RECIPE = """
[data]
layout = "folder"
size = 8
held_out = 0.5
[tower]
widths = [4]
depths = [1]
dimension = 4
[schedule]
epochs = 1
[sampler]
size = 4
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Four people, one wrong copy, one broken file; and a recipe beside them."""
    folder = write_people(tmp_path / "mine", {"Ann": 2, "Bob": 2, "Eve": 3, "Zoë": 2})
    (folder / "Bob" / "wrong.png").write_bytes((folder / "Ann" / "0.png").read_bytes())
    (folder / "Eve" / "broken.jpg").write_bytes(b"junk")
    (tmp_path / "small.toml").write_text(RECIPE)
    return folder


def test_inspect_tells_what_is_there(run: Run, mine: Path) -> None:
    ran = run("data", "inspect", mine)
    assert ran.status == 0
    assert "2 fewest, 2.5 median, 4 most" in ran.out
    assert "WARNING: the same picture under different identities" in ran.out
    assert "  Ann/0.png = Bob/wrong.png" in ran.out
    assert "  Eve/broken.jpg: the picture is not a picture." in ran.out
    shown = run("data", "inspect", mine, "--json").json
    assert shown["pictures_per_identity"] == {"fewest": 2, "median": 2.5, "most": 4}
    assert shown["across_identities"] == [
        {"pictures": ["Ann/0.png", "Bob/wrong.png"], "identities": ["Ann", "Bob"]}
    ]
    assert len(shown["unreadable"]) == 1
    assert shown["formats"] == {"PNG": 10}
    assert shown["sizes"]["median"] == [12, 12]


def test_inspect_lists_ten_and_counts_the_rest(run: Run, tmp_path: Path) -> None:
    (tmp_path / "set" / "Ann").mkdir(parents=True)
    for number in range(13):
        (tmp_path / "set" / "Ann" / f"{number:02d}.png").write_bytes(bytes([number]))
    ran = run("data", "inspect", "set")
    assert ran.out.count("Ann/") == 10
    assert "and 3 more" in ran.out
    assert "WARNING" not in ran.out
    assert len(run("data", "inspect", "set", "--json").json["unreadable"]) == 13


def test_inspect_draws_a_sheet(run: Run, tmp_path: Path) -> None:
    for person in range(14):
        folder = tmp_path / "set" / f"Person {person:02d}"
        folder.mkdir(parents=True)
        for photo in range(8 if person == 0 else 1):
            pixels = np.full((10, 40, 3), (255, 10 * photo, 0), np.uint8)
            (folder / f"{photo}.png").write_bytes(png(pixels))
    ran = run("data", "inspect", "set", "--sheet", "sheet.png")
    assert ran.status == 0
    assert "Contact sheet: sheet.png" in ran.out
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    red = (pixels[:, :, 0] > 250) & (pixels[:, :, 2] < 5)
    # The picture is four times as wide as high, and so it is shown; 12 rows, 6 columns in the first.
    starts = np.flatnonzero(np.diff(red.any(axis=1).astype(int)) == 1)
    assert len(starts) == 12
    first = red[starts[0] + 5]
    assert (np.diff(first.astype(int)) == 1).sum() == 6
    assert first.sum() / 6 == pytest.approx(4 * red[:, red.any(axis=0)][:, 0].sum() / 12, rel=0.05)
    assert run("data", "inspect", "set", "--sheet", "sheet.txt").status == 2


def test_inspect_of_nothing(run: Run, tmp_path: Path) -> None:
    assert "error [data]: There is no data set at" in run("data", "inspect", "missing").err
    ran = run("data", "inspect", tmp_path, "--json")
    assert ran.status == 2
    assert ran.json["error"]["code"] == "data"


def test_prepare_makes_what_training_opens(
    run: Run, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("data", "prepare", "folder", "--from", mine, "--recipe", "small.toml", "--cache", "cache")
    ran = run(*arguments)
    assert ran.status == 0
    assert "4 identities, 11 pictures" in ran.out
    assert "1 picture." in ran.out
    assert "  Eve/broken.jpg: " in ran.out
    shown = run(*arguments, "--json").json
    assert (shown["identities"], shown["pictures"], shown["part"]) == (4, 11, "all")
    assert shown["train"]["identities"] + shown["validation"]["identities"] == 4
    assert shown["train"]["pictures"] + shown["validation"]["pictures"] == 10
    assert [line.partition(": ")[0] for line in shown["unreadable"]] == ["Eve/broken.jpg"]
    assert len(open_prepared(tmp_path / shown["train"]["folder"]).items) == shown["train"]["pictures"]
    # Training with the same recipe, data and cache decodes nothing any more.
    made = sorted(one.name for one in (tmp_path / "cache").iterdir())
    monkeypatch.setattr("firstsight.datasets.preparing.read_image", _never)
    monkeypatch.setattr("firstsight.training.run.fit", _stop)
    with pytest.raises(Stopped):
        train(read_recipe("small.toml"), mine, tmp_path / "run", cache=Path("cache"))
    assert sorted(one.name for one in (tmp_path / "cache").iterdir()) == made


class Stopped(Exception):
    pass


def _stop(*_: object, **__: object) -> None:
    raise Stopped


def _never(*_: object) -> None:
    raise AssertionError("a picture was decoded again")


def test_prepare_strictly(run: Run, mine: Path) -> None:
    arguments = ("data", "prepare", "celeba", "--from", mine, "--recipe", "small.toml", "--cache", "c")
    # Before, and after the same was prepared without it.
    for _ in range(2):
        ran = run(*arguments, "--strict")
        assert ran.status == 2
        assert "Eve/broken.jpg" in ran.err
        assert run(*arguments).status == 0


def test_prepared_data_lie_where_training_looks(
    run: Run, mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "home")
    monkeypatch.setattr("firstsight.training.run.user_cache_path", lambda _: tmp_path / "home")
    monkeypatch.setattr("firstsight.training.run.fit", _stop)
    with pytest.raises(Stopped):
        train(read_recipe("small.toml"), mine, tmp_path / "run")
    made = {one for one in (tmp_path / "home").rglob("*") if one.is_dir()}
    shown = run("data", "prepare", "folder", "--from", mine, "--recipe", "small.toml", "--json").json
    assert {Path(shown[part]["folder"]) for part in ("train", "validation")} < made
    assert {one for one in (tmp_path / "home").rglob("*") if one.is_dir()} == made


def test_prepare_of_what_is_not_as_published(run: Run, tmp_path: Path) -> None:
    folder = toy_omniglot(tmp_path / "omniglot")
    ran = run("data", "prepare", "omniglot", "--from", folder, "--json")
    assert ran.status == 2
    assert "90 characters, not 964" in ran.json["error"]["message"]


def test_prepare_takes_another_part(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = toy_omniglot(tmp_path / "omniglot")
    found = layouts.Found(folder, 150, 3000, "")
    monkeypatch.setattr("firstsight.datasets.layouts.check_published", lambda *_: found)
    asked: list[tuple[Any, ...]] = []

    def split(*arguments: Any, **_: Any) -> None:
        asked.append(arguments)
        raise Stopped

    monkeypatch.setattr("firstsight.datasets.splits.open_split", split)
    for part in ((), ("--part", "paper")):
        with pytest.raises(Stopped):
            run("data", "prepare", "omniglot", "--from", folder, *part)
    assert asked == [("omniglot", "background-28", folder), ("omniglot", "paper", folder)]


def test_prepare_fetches_what_is_missing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[Remote, Path]] = []
    monkeypatch.setattr(
        "firstsight.datasets.downloading.fetch", lambda remote, folder, **_: fetched.append((remote, folder))
    )
    # Nothing is fetched in truth, so that the check finds nothing.
    ran = run("data", "prepare", "lfw", "--download", "--cache", "cache")
    assert ran.status == 2
    assert "error [data]" in ran.err
    assert fetched == [(remote, Path("cache/published/lfw")) for remote in PUBLISHED["lfw"]]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("mnist", "--download"), "usage"),
        (("omniglot",), "usage"),
        (("omniglot", "--from", "x", "--download"), "usage"),
        (("omniglot", "--from", "x", "--recipe", "lfw-only"), "usage"),
        (("omniglot", "--from", "x", "--recipe", "none"), "recipe"),
        (("omniglot", "--from", "x"), "data"),
        (("celeba", "--download"), "data"),
        (("folder", "--download"), "data"),
    ],
)
def test_prepare_of_what_cannot_be_meant(run: Run, arguments: tuple[str, ...], code: str) -> None:
    ran = run("data", "prepare", *arguments)
    assert ran.status == 2
    assert ran.err.startswith(f"error [{code}]: ")
    assert ran.err.count("\n") == 1


def test_where_celeba_is_to_be_had(run: Run) -> None:
    assert (
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
        in run("data", "prepare", "celeba", "--download").err
    )
