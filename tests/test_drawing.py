from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.drawing import (
    AMBER,
    GREEN,
    draw_classifications,
    draw_sightings,
    fitted,
    font,
    save,
    tile,
)
from firstsight.errors import UsageError
from firstsight.evaluation.plots import draw_curve
from firstsight.evaluation.result import Curve
from firstsight.faces import Box
from firstsight.faces.quality import Measures, judge
from firstsight.images import read_image
from firstsight.recognizer import Candidate, Classification, Sighting

SIGHTING = Sighting(
    box=Box(40, 50, 60, 70),
    best=Candidate("Ada", 1, 0.7, 1000.0),
    runner_up=None,
    threshold=0.4,
    quality=judge(Measures(60, 0.4, 120, 0.05)),
)


def has(page: Image.Image, colour: str) -> bool:
    wanted = tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return bool((np.asarray(page) == wanted).all(axis=2).any())


def test_names_and_strangers_have_their_colours() -> None:
    photo = np.zeros((160, 200, 3), np.uint8)
    named = draw_sightings(photo, [SIGHTING])
    assert named.size == (200, 160)
    assert has(named, GREEN)
    assert not has(named, AMBER)
    assert has(draw_sightings(photo, [replace(SIGHTING, threshold=0.8)]), AMBER)
    assert not np.asarray(draw_sightings(photo, [])).any()


@pytest.mark.parametrize("box", [Box(-20, -20, 500, 400), Box(190, 150, 30, 30), Box(0, 0, 5, 5)])
def test_boxes_over_the_edge_and_long_names(box: Box) -> None:
    photo = np.zeros((160, 200, 3), np.uint8)
    best = Candidate("Ada " * 50, 1, 0.7, 1000.0)
    assert has(draw_sightings(photo, [replace(SIGHTING, box=box, best=best)]), GREEN)


def test_text_is_cut_to_its_width() -> None:
    assert fitted("Ada", 500, font(12)) == "Ada"
    cut = fitted("Ada Lovelace and many others", 60, font(12))
    assert cut.endswith("…")
    assert font(12).getlength(cut) <= 60


def test_a_tile_around_a_face() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    picture[40:60, 150:170] = 255
    around = np.asarray(tile(picture, 40, Box(150, 40, 20, 20)))
    assert around.shape == (40, 40, 3)
    assert around[20, 20].tolist() == [255, 255, 255]
    assert around[0, 0].tolist() == [0, 0, 0]
    corner = np.asarray(tile(np.full((100, 200, 3), 9, np.uint8), 40, Box(-10, -10, 40, 40)))
    assert (corner == 9).all()


def test_classifications(people: dict[str, list[Path]]) -> None:
    support = {name: pictures[0] for name, pictures in people.items()}
    ranking = tuple((name, 0.9 - 0.05 * place) for place, name in enumerate(support))
    probe = next(iter(people.values()))[1]
    page = draw_classifications([Classification("2.jpg", ranking)] * 2, [probe, probe], support)
    one = draw_classifications([Classification("2.jpg", ranking)], [probe], support)
    assert page.width == one.width
    assert page.height > one.height
    assert has(page, GREEN)


def test_saving_whole_or_not_at_all(tmp_path: Path) -> None:
    page = Image.new("RGB", (4, 4), "red")
    save(page, tmp_path / "new" / "picture.png")
    assert read_image(tmp_path / "new" / "picture.png").shape == (4, 4, 3)
    below = tmp_path / "new" / "picture.png" / "x.png"
    for bad in (tmp_path / "picture.xyz", tmp_path / "picture.psd", below, Path(), Path("..")):
        with pytest.raises(UsageError):
            save(page, bad)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_full_disk_leaves_the_picture_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    place, curve = tmp_path / "picture.png", Curve("toy", "x", "y", {"": (np.arange(2.0), np.arange(2.0))})
    save(Image.new("RGB", (4, 4), "red"), place)
    before = place.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        save(Image.new("RGB", (9, 9)), place)
    with pytest.raises(UsageError, match="No space left"):
        draw_curve(curve, place)
    assert place.read_bytes() == before
    assert list(tmp_path.iterdir()) == [place]
