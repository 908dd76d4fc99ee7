"""The sample pack's promise. Its figures say nothing about accuracy: it was chosen to separate well."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstsight import samples
from firstsight.models import open_model
from firstsight.recognizer import Encoder

People = dict[str, list[Path]]
Templates = dict[str, NDArray[np.float32]]


def embedded(eye: Encoder, pictures: People) -> Templates:
    return {
        name: np.stack([eye.only_face(path).embedding for path in paths]) for name, paths in pictures.items()
    }


def test_twelve_people_with_four_pictures_each(people: People, strangers: People) -> None:
    assert len(people) == 12
    assert {len(pictures) for pictures in people.values()} == {4}
    assert len(strangers) >= 2
    assert not set(people) & set(strangers)


def test_views_match_and_people_do_not(encoder: Encoder, people: People, strangers: People) -> None:
    threshold = encoder.model.calibrated().threshold(1e-3)
    rows = embedded(encoder, people | strangers)
    for name, views in rows.items():
        assert (views @ views.T).min() > threshold, name
    for one, other in combinations(rows, 2):
        assert (rows[one] @ rows[other].T).max() < threshold, (one, other)


def test_another_model_sees_it_too(people: People, strangers: People) -> None:
    # dlib took no part in the choice; at its threshold nearly all pairs must come out right.
    eye = Encoder("dlib")
    threshold = open_model("dlib").calibrated().threshold(1e-2)
    rows = embedded(eye, people | strangers)
    mated = [score for views in rows.values() for score in (views @ views.T)[np.triu_indices(len(views), 1)]]
    others = [score for one, other in combinations(rows, 2) for score in (rows[one] @ rows[other].T).flat]
    assert np.mean(np.array(mated) >= threshold) > 0.9
    assert np.mean(np.array(others) < threshold) > 0.9


def test_pictures_are_small_plain_and_without_metadata() -> None:
    pictures = list(samples.FOLDER.rglob("*.jpg"))
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.height == 160
            assert picture.mode == "RGB"
            assert not picture.getexif()
            assert "comment" not in picture.info
    assert sum(path.stat().st_size for path in samples.FOLDER.rglob("*") if path.suffix != ".py") < 400_000


def test_together_shows_as_many_faces_as_it_names(
    encoder: Encoder, people: People, strangers: People, together: dict[Path, tuple[str, ...]]
) -> None:
    assert together
    for path, names in together.items():
        assert len(encoder.faces(path)) == len(names) >= 2
        assert set(names) <= set(people) | set(strangers)


def test_the_card_and_the_measurements_tell_where_it_comes_from() -> None:
    card = (samples.FOLDER / "CARD.md").read_text("utf-8")
    for word in ("CelebA", "non-commercial", "composite", "accuracy"):
        assert word in card
    measured = json.loads((samples.FOLDER / "measurements.json").read_text("utf-8"))
    assert set(measured["people"]) == {*samples.people(), *samples.strangers()}
    assert measured["between_people"]["highest"] < measured["threshold"]["similarity"]
