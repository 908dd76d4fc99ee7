from __future__ import annotations

import threading
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.datasets.dataset_makers import archive_of, noise, png, prepared_of, smooth

from firstsight.datasets.augment import Augment
from firstsight.datasets.loader import PART, Cutter, load
from firstsight.datasets.prepared import Item, View
from firstsight.datasets.preparing import prepare
from firstsight.datasets.samplers import Batch, ByIdentity, ByPair, Classes, Sampler, Shuffled
from firstsight.faces import align
from firstsight.models.preprocessing import Preprocessing

FULL = Augment(
    rotation=15, shear=0.2, scale=0.2, shift=0.1, mirror=True, light=0.2, colour=0.1, grey=0.2, erase=0.3
)
POINTS = ((19.0, 25.5), (41.0, 25.0), (30.5, 37.5), (21.5, 48.0), (40.0, 48.5))
COUNT, EACH = 24, 4


def whole(size: int, channels: int = 3, oversample: int = 1) -> Preprocessing:
    return Preprocessing(size, (), (0.0,) * channels, 1.0, oversample=oversample)


def cutter_of(pixels: NDArray[np.uint8], augment: Augment, seed: int = 3) -> Cutter:
    return Cutter(prepared_of(pixels), whole(pixels.shape[1], pixels.shape[3]), augment, seed)


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return cutter_of(np.stack([noise(row) for row in range(COUNT)]), FULL)


def classes(*, turned: bool = False) -> Classes:
    labels = np.arange(COUNT) // EACH
    return Classes(np.arange(COUNT), labels, np.zeros_like(labels), turned=turned)


def samplers() -> dict[str, Sampler]:
    return {
        "shuffled": Shuffled(classes(turned=True), 2 * PART + 5, 1),
        "identity": ByIdentity(classes(), 5, 3, groups=0, steps=9, seed=1),
        "pair": ByPair(classes(), 9, pairs=90, seed=1),
    }


Loaded = list[tuple[Batch, NDArray[np.uint8]]]


def alike(left: Loaded, right: Loaded) -> bool:
    return len(left) == len(right) and all(
        np.array_equal(one.rows, other.rows) and np.array_equal(pixels, others)
        for (one, pixels), (other, others) in zip(left, right, strict=True)
    )


@pytest.mark.parametrize("kind", ["shuffled", "identity", "pair"])
def test_the_same_batches_with_any_number_of_workers_and_when_resumed(cutter: Cutter, kind: str) -> None:
    sampler = samplers()[kind]
    found = list(load(cutter, sampler, 2, workers=1))
    assert len(found) == len(sampler)
    for step, (batch, pixels) in enumerate(found):
        assert (batch.rows == sampler.batch(2, step).rows).all()
        assert pixels.shape == (len(batch.rows), 12, 12, 3)
        assert pixels.dtype == np.uint8
    assert alike(found, list(load(cutter, sampler, 2, workers=3)))
    for start in (1, len(sampler) - 1, len(sampler)):
        assert alike(found[start:], list(load(cutter, sampler, 2, start, workers=2)))
    assert not alike(found, list(load(cutter, sampler, 1)))


@pytest.mark.parametrize("kind", ["shuffled", "identity", "pair"])
@pytest.mark.parametrize("processes", [2, 3])
def test_shares_interleave_to_the_whole(cutter: Cutter, kind: str, processes: int) -> None:
    sampler = samplers()[kind]
    shares = [load(cutter, sampler, 0, share=(rank, processes)) for rank in range(processes)]
    for (batch, pixels), *parts in zip(load(cutter, sampler, 0), *shares, strict=True):
        for rank, (same, part) in enumerate(parts):
            assert (same.rows == batch.rows).all()
            assert (part == pixels[rank::processes]).all()


def test_pixels_are_those_of_their_rows_in_their_turns() -> None:
    pixels = np.stack([noise(row) for row in range(COUNT)])
    cutter = cutter_of(pixels, Augment())
    shown = set()
    for batch, found in load(cutter, samplers()["shuffled"], 0):
        for row, turn, picture in zip(batch.rows, batch.turns, found, strict=True):
            assert (picture == np.rot90(pixels[row], turn)).all()
            shown.add(int(turn))
    assert shown == {0, 1, 2, 3}


def test_a_quarter_turn_is_to_the_left() -> None:
    pixels = np.zeros((1, 4, 4, 1), np.uint8)
    pixels[0, 0, 3] = 9
    turned = cutter_of(pixels, Augment()).distorted(0, 1, np.random.default_rng(0))
    # The corner at the top right comes to the top left.
    assert turned[0, 0, 0] == 9
    # Mirrored first, it lies at the top left, and a quarter turn brings it to the bottom left.
    for turn, (row, column) in {4: (0, 0), 5: (3, 0), 6: (3, 3), 7: (0, 3)}.items():
        mirrored = cutter_of(pixels, Augment()).distorted(0, turn, np.random.default_rng(0))
        assert mirrored[row, column, 0] == 9
        assert mirrored.sum() == 9


def test_the_twins_of_a_pair_are_distorted_differently() -> None:
    # Every picture is the same one, so that only the distortion can differ.
    pixels = np.repeat(smooth(24)[None], COUNT, axis=0)
    cutter = cutter_of(pixels, Augment(chance=1, rotation=10, shear=0.3, scale=0.2, shift=0.02))
    sampler = ByPair(classes(), 9, pairs=36, seed=1)
    seen: set[bytes] = set()
    count = 0
    for epoch in (0, 1):
        for batch, found in load(cutter, sampler, epoch):
            assert batch.chosen is not None
            for left, right in np.argwhere(batch.chosen):
                assert (found[left] != found[right]).any()
            seen.update(picture.tobytes() for picture in found)
            count += len(found)
    # Nor does any distortion come again, in another step or epoch.
    assert len(seen) == count


def test_another_seed_distorts_otherwise(cutter: Cutter) -> None:
    other = Cutter(cutter.prepared, cutter.preprocessing, cutter.augment, cutter.seed + 1)
    sampler = samplers()["pair"]
    assert not alike(list(load(cutter, sampler, 0)), list(load(other, sampler, 0)))


def test_leaving_in_the_middle_ends_the_threads(cutter: Cutter) -> None:
    before = threading.active_count()
    batches = load(cutter, samplers()["pair"], 0)
    assert len(list(islice(batches, 2))) == 2
    assert threading.active_count() > before
    batches.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_an_error_in_a_worker_is_not_lost(cutter: Cutter) -> None:
    wrong = Shuffled(Classes(np.full(8, COUNT), np.arange(8), np.zeros(8, np.int64)), 4, 0)
    with pytest.raises(IndexError):
        list(load(cutter, wrong, 0))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("oversample", [1, 2, 3])
def test_whole_pictures_are_seen_in_training_as_at_use(
    tmp_path: Path, channels: int, oversample: int
) -> None:
    sizes = [(40, 40), (24, 24), (17, 31), (70, 20), (3, 5)]
    pictures = {f"{row}.png": noise(row, *size) for row, size in enumerate(sizes)}
    wanted = whole(24, channels, oversample)
    prepared = prepare(
        [
            (
                archive_of({name: png(picture) for name, picture in pictures.items()}),
                [Item(n, n) for n in pictures],
            )
        ],
        View(wanted.size * oversample, channels),
        tmp_path,
    )
    seen = Cutter(prepared, wanted, Augment(), 0).plain(np.arange(len(sizes)))
    for item, crop in zip(prepared.items, seen, strict=True):
        assert (crop == wanted.crop(pictures[item.name])).all()


def test_undistorted_training_shows_what_use_shows() -> None:
    pixels = np.stack([noise(row, 24, 24) for row in range(3)])
    cutter = Cutter(prepared_of(pixels), whole(12, oversample=2), Augment(), 0)
    plain = cutter.plain(np.arange(3))
    for row in range(3):
        assert (cutter.distorted(row, 0, np.random.default_rng(row)) == plain[row]).all()


def test_another_side_keeps_pixel_centres() -> None:
    pixels = np.stack([noise(row, 24, 24) for row in range(3)])
    half = Cutter(prepared_of(pixels), whole(12), Augment(), 0).plain(np.arange(3))
    # The middle of a small pixel lies where four large ones meet.
    means = pixels.reshape(3, 12, 2, 12, 2, 3).mean(axis=(2, 4))
    assert abs(half - means).max() <= 1
    # Nothing from beyond the edge mixes in.
    dark = np.full((1, 12, 12, 3), 40, np.uint8)
    assert (Cutter(prepared_of(dark), whole(30), Augment(), 0).plain(np.arange(1)) == 40).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("oversample", [1, 2])
def test_faces_are_seen_in_training_nearly_as_at_use(channels: int, oversample: int) -> None:
    across, down = np.meshgrid(np.arange(160), np.arange(140))
    # Waves of 20 pixels: a shift by half of one changes the value by 6 in the mean.
    waves = 128 + 40 * np.sin(0.31 * across + 0.4) + 40 * np.cos(0.29 * down)
    picture = np.stack([waves, 255 - waves, waves[::-1]], axis=2).round().astype(np.uint8)
    turn = np.radians(10)
    places = np.array(POINTS, dtype=np.float32) - 30
    jitter = np.random.default_rng(2).normal(0, 1, places.shape)
    rotation = np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
    landmarks = (1.1 * places @ rotation.T + (80, 70) + jitter).astype(np.float32)
    # What is prepared is larger than what is seen, and reaches further.
    view = View(112, 3, tuple((1.5 * x + 11.0, 1.5 * y + 11.0) for x, y in POINTS))
    crop = align(picture, landmarks, np.array(view.points, np.float32), view.side)
    if channels == 1:
        crop = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.uint8)[:, :, None]
    wanted = Preprocessing(60, POINTS, (0.0,) * channels, 1.0, oversample=oversample)
    seen = Cutter(prepared_of(crop[None], view.points), wanted, Augment(), 0).plain(np.array([0]))[0]
    expected = wanted.crop(picture, landmarks)
    assert seen.shape == expected.shape == (60, 60, channels)
    # Interpolated once more: by 1/8 of the second derivative, 0.1 * 40 along each axis, and rounded.
    assert abs(seen.astype(float) - expected).mean() < 2


def test_landmarks_come_to_the_template() -> None:
    view_points = tuple((1.5 * x + 11.0, 1.5 * y + 11.0) for x, y in POINTS)
    pixels = np.zeros((1, 112, 112, 3), np.uint8)
    for oversample in (1, 2):
        wanted = Preprocessing(60, POINTS, (0.0,) * 3, 1.0, oversample=oversample)
        base = Cutter(prepared_of(pixels, view_points), wanted, Augment(), 0).base()
        carried = np.column_stack([np.array(view_points), np.ones(5)]) @ base.T
        np.testing.assert_allclose(carried, oversample * np.array(POINTS) + (oversample - 1) / 2, atol=1e-4)
