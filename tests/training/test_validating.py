from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.trainings import tiny
from torch import Tensor, nn

from firstsight.datasets.augment import Augment
from firstsight.datasets.lfw import Pair
from firstsight.datasets.loader import Cutter
from firstsight.datasets.prepared import Item, Prepared, View
from firstsight.errors import DataError, RecipeError
from firstsight.models import Preprocessing
from firstsight.models.blueprint import Blueprint
from firstsight.training.building import Twin, build_twin
from firstsight.training.recipe import Validation
from firstsight.training.validating import Validator, embed_rows, pair_scores, pixels_of, similarity_of
from firstsight.twins import build_head

CPU = torch.device("cpu")
SIDE = 8
IDENTITIES = 12


class Corner(nn.Module):
    """A tower that sees the colour of one corner, and whether it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, pixels: Tensor) -> Tensor:
        assert not self.training
        return self.gain * pixels[:, :, 0, 0]


def prepared(each: int = 3, identities: int = IDENTITIES) -> Prepared:
    """Pictures of one colour, the same for all of an identity; the right half is noise."""
    draw = np.random.default_rng(0)
    colours = draw.integers(0, 256, (identities, 3), dtype=np.uint8)
    pixels = draw.integers(0, 256, (identities * each, SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:, :, : SIDE // 2] = np.repeat(colours, each, 0)[:, None, None]
    items = [Item(f"{one}/{number}", str(one)) for one in range(identities) for number in range(each)]
    return Prepared(pixels, tuple(items), View(SIDE, 3), "digest", ())


def pair(left: str, right: str) -> Pair:
    people = [name.partition("/")[0] for name in (left, right)]
    return Pair(left, right, *people)


def parts(head: str = "euclidean", *, mirrored: bool = False) -> tuple[Twin, Cutter]:
    preprocessing = Preprocessing(SIDE, (), (127.5,) * 3, 1 / 127.5, mirrored)
    twin = Twin(Blueprint("corner", {}, head, {}, 3), Corner(), build_head(head, 3), preprocessing)
    return twin, Cutter(prepared(), preprocessing, Augment(), 0)


def test_pixels_are_in_the_twins_range() -> None:
    twin, _ = parts()
    pictures = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    pictures[1, 0, 2] = 255, 0, 51
    pixels = pixels_of(pictures, twin, CPU)
    assert pixels.shape == (2, 3, SIDE, SIDE)
    assert bool((pixels[0] == -1).all())
    torch.testing.assert_close(pixels[1, :, 0, 2], torch.tensor((1.0, -1.0, -0.6)))
    assert pictures[1, 0, 2].tolist() == [255, 0, 51]


def test_templates_are_undistorted_and_in_order() -> None:
    twin, cutter = parts()
    rows = np.array((5, 0, 7))
    twin.tower.train()
    found = embed_rows(twin, cutter, rows, CPU)
    np.testing.assert_allclose(found, (cutter.prepared.pixels[rows, 0, 0] - 127.5) / 127.5, atol=1e-5)


def test_more_than_fits_into_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    twin, cutter = parts()
    rows = np.arange(len(cutter.prepared.items))
    whole = embed_rows(twin, cutter, rows, CPU)
    monkeypatch.setattr("firstsight.training.validating.PIECE", 5)
    np.testing.assert_array_equal(embed_rows(twin, cutter, rows, CPU), whole)


def test_a_mirrored_twin_sees_both_sides() -> None:
    twin, cutter = parts(mirrored=True)
    pixels = cutter.prepared.pixels[:1].astype(np.float32)
    wanted = (pixels[:, 0, 0] + pixels[:, 0, -1] - 255) / 127.5
    np.testing.assert_allclose(embed_rows(twin, cutter, np.array([0]), CPU), wanted, atol=1e-5)


def test_the_head_compares() -> None:
    twin, _ = parts("euclidean")
    left, right = np.zeros((1, 3), np.float32), np.eye(3, dtype=np.float32)[:2]
    scores = similarity_of(twin, left, np.concatenate([left, right]))
    # (1 - distance) / (1 + distance); a root has no slope at 0, so 0 is held off a little.
    np.testing.assert_allclose(scores, [[1, 0, 0]], atol=1e-5)


def test_a_twin_that_knows_everybody_is_always_right_and_one_that_knows_nothing_is_not() -> None:
    twin, cutter = parts()
    data = cutter.prepared
    pairs = (
        *(pair(f"{one}/0", f"{one}/1") for one in range(IDENTITIES)),
        *(pair(f"{one}/0", f"{one - 1}/2") for one in range(IDENTITIES)),
    )
    validator = Validator(data, pairs[:12] + pairs[13:], Validation(ways=5, trials=200), 0)
    assert validator.measure(twin, cutter, CPU) == {"one-shot": 1.0, "pairs": 1.0}
    with torch.no_grad():
        twin.tower.gain.zero_()  # type: ignore[operator]
    # All are alike: a tie is wrong.
    assert validator.measure(twin, cutter, CPU)["one-shot"] == 0


def test_the_number_of_ways_and_trials_is_the_recipes() -> None:
    """A twin that sees noise is right in one of ``ways`` trials."""
    twin, cutter = parts()
    draw = np.random.default_rng(3)
    data = prepared()
    noise = draw.integers(0, 256, data.pixels.shape, dtype=np.uint8)
    noisy = Prepared(noise, data.items, data.view, "noise", ())
    cutter = Cutter(noisy, cutter.preprocessing, cutter.augment, 0)
    for ways in (2, 10):
        share = Validator(noisy, (), Validation(ways=ways, trials=2000), 0).measure(twin, cutter, CPU)
        assert share["one-shot"] == pytest.approx(1 / ways, abs=0.12)
        assert share["one-shot"] * 2000 == pytest.approx(round(share["one-shot"] * 2000))
        assert "pairs" not in share


def test_among_how_many_the_trials_are() -> None:
    for identities, told in ((2, (2, 2)), (IDENTITIES, (5, 5))):
        assert Validator(prepared(identities=identities), (), Validation(ways=5), 0).among == told
    data = prepared()
    # Alphabets of 2, 3 and 7: the smaller ones have what they have.
    groups = ["a"] * 6 + ["b"] * 9 + ["c"] * 21
    items = tuple(replace(item, group=group) for item, group in zip(data.items, groups, strict=True))
    validator = Validator(replace(data, items=items), (), Validation(ways=5), 0)
    assert validator.among == (2, 5)


def test_pairs_without_a_face_get_the_lowest_score() -> None:
    twin, cutter = parts("cosine")
    embeddings = embed_rows(twin, cutter, np.arange(len(cutter.prepared.items)), CPU)
    pairs = (pair("0/0", "0/1"), pair("0/0", "gone/1"), pair("0/9", "0/1"))
    scores, mated = pair_scores(twin, cutter.prepared, pairs, embeddings)
    np.testing.assert_allclose(scores, (1, -1, -1), atol=1e-5)
    assert mated.tolist() == [True, False, True]


def test_pairs_of_nothing() -> None:
    twin, cutter = parts()
    nothing = Prepared(cutter.prepared.pixels[:0], (), cutter.prepared.view, "none", ())
    with pytest.raises(DataError, match="None of the pairs"):
        pair_scores(twin, nothing, (pair("1/1", "1/2"),), np.empty((0, 3), np.float32))


def test_what_could_not_be_measured_is_told_before() -> None:
    for data in (prepared(identities=1), prepared(each=1)):
        with pytest.raises(DataError, match="too few to validate"):
            Validator(data, (), Validation(), 0).check()
    with pytest.raises(RecipeError, match="no official pairs"):
        Validator(prepared(), (), Validation(by="pairs"), 0).check()
    Validator(prepared(), (), Validation(), 0).check()


def test_the_same_seed_measures_the_same(tmp_path: Path) -> None:
    twin = build_twin(tiny(tmp_path, f"data.size={SIDE}", "tower.widths=[4]"))
    cutter = Cutter(prepared(), twin.preprocessing, Augment(), 0)
    validator = Validator(prepared(), (), Validation(ways=4, trials=50), 7)
    assert validator.measure(twin, cutter, CPU) == validator.measure(twin, cutter, CPU)
