"""What a large gallery rules out is never among the best."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.gallery.gallery_makers import units
from torch import Tensor

from firstsight.gallery import scanning
from firstsight.gallery.coarse import NOBODY, ROWS, CoarseIndex, Scan
from firstsight.gallery.index import Hit, best, exact_similarity
from firstsight.gallery.scanning import CHUNKS, Floats, Kernel, ManyProbes, OneProbe, float_error, works

KERNELS = [OneProbe, ManyProbes, Floats]


def answer(index: CoarseIndex, rows: NDArray[np.float32], scan: Scan, which: int, k: int) -> list[Hit]:
    """The best of the survivors, with their own similarities."""
    found = index.survivors(scan, which, k)
    assert (np.diff(found) > 0).all()
    scores = exact_similarity(scan.probes[which, : rows.shape[1]], rows[found])
    return best(scores, index.numbers(found), index.people(found), k)


def brute_force(
    rows: NDArray[np.float32], people: NDArray[np.int64], probe: NDArray[np.float32], k: int
) -> list[Hit]:
    """By Python's own sorting; row i has the number i + 1."""
    scores = exact_similarity(probe, rows)
    order = sorted(np.flatnonzero(people != NOBODY).tolist(), key=lambda row: (-scores[row], row))
    found: dict[int, Hit] = {}
    for row in order:
        found.setdefault(int(people[row]), Hit(int(people[row]), row + 1, float(scores[row])))
    return list(found.values())[:k]


def crowd(draw: np.random.Generator, count: int, dimension: int) -> NDArray[np.float32]:
    """Rows that are hard to tell apart: equal, nearly equal by all degrees, and of one number only."""
    kinds = draw.normal(size=(4, dimension))
    rows = kinds[draw.integers(0, 4, count)]
    rows = rows + draw.normal(size=rows.shape) * 10.0 ** draw.integers(-8, 1, (count, 1))
    lone = draw.random(count) < 0.1
    rows[lone] = np.eye(dimension)[draw.integers(0, dimension, count)][lone]
    rows[draw.random(count) < 0.2] = rows[0]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@settings(deadline=None, max_examples=60)
@given(
    count=st.integers(1, 3000),
    late=st.integers(0, 30),
    dimension=st.integers(1, 70),
    crowded=st.floats(0, 1),
    probes=st.sampled_from([1, 3]),
    k=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_answer_is_brute_forces(
    count: int, late: int, dimension: int, crowded: float, probes: int, k: int, seed: int
) -> None:
    """Also of people with many templates, and with changes before and after the scan."""
    draw = np.random.default_rng(seed)
    rows = crowd(draw, count + late, dimension)
    people = np.where(draw.random(len(rows)) < crowded, 1, np.arange(len(rows)) // 2 + 2)
    asked = crowd(draw, probes, dimension)
    asked[0] = rows[draw.integers(len(rows))]
    index = CoarseIndex(dimension)
    numbers = np.arange(1, len(rows) + 1)
    middle = count // 2
    index.append(numbers[:middle], people[:middle], rows[:middle])
    index.append(numbers[middle:count], people[middle:count], rows[middle:count])

    def change() -> None:
        changed = np.unique(draw.integers(0, index.count, 5))
        changed = changed[people[changed] != NOBODY]  # numbers are never given twice
        people[changed] = draw.choice([NOBODY, 1, 7], len(changed))
        index.correct(changed, people[changed])

    change()
    scan = index.scan(asked)
    index.append(numbers[count:], people[count:], rows[count:])
    change()
    for which, probe in enumerate(asked):
        assert answer(index, rows, scan, which, k) == brute_force(rows, people, probe, k)


def test_of_equals_in_several_blocks_the_first_enrolled_is_first() -> None:
    rows = units(ROWS + 3000, 0, 32)
    same = [5, 2000, ROWS - 1, ROWS, ROWS + 2999]
    rows[same] = rows[5]
    index = CoarseIndex(32)
    people = np.arange(len(rows))
    index.append(people + 1, people, rows)
    for probes in (rows[5:6], rows[4:6]):
        scan = index.scan(probes)
        hits = answer(index, rows, scan, len(probes) - 1, 5)
        assert [hit.person_id for hit in hits] == same
        assert len({hit.similarity for hit in hits}) == 1


def test_few_of_many_are_left_to_look_at() -> None:
    """A bound that is far too wide would be right as well, and of no use."""
    rows = units(20_000, 1, 128)
    index = CoarseIndex(128)
    people = np.arange(len(rows))
    index.append(people + 1, people, rows)
    scan = index.scan(units(50, 2, 128))
    assert np.mean([len(index.survivors(scan, which, 1)) for which in range(50)]) < 10
    crowd_of_one = np.zeros(len(rows), np.int64)
    index.correct(people, crowd_of_one)
    assert np.mean([len(index.survivors(scan, which, 3)) for which in range(5)]) < 10


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
def test_kernels_keep_to_their_bounds(kernel: type[Kernel], spread: float) -> None:
    """Also where all numbers are as large as they can be."""
    draw = np.random.default_rng(3)
    signs = draw.choice([-1.0, 1.0], (2 * CHUNKS, 64))
    codes = np.rint(signs * 127 * draw.uniform(size=signs.shape) ** spread).astype(np.int8)
    scales = torch.from_numpy(10 ** draw.uniform(-4, 0, len(codes))).bfloat16()
    probes = (draw.choice([-1.0, 1.0], (1 if kernel is OneProbe else 7, 64))).astype(np.float32)
    probes *= draw.uniform(size=probes.shape).astype(np.float32) ** np.float32(spread)
    rows = codes * scales.double().numpy()[:, None]
    tried = kernel(probes)
    found = tried.maxima(torch.from_numpy(codes), scales).astype(np.float64)
    sure = (rows @ probes.astype(np.float64).T).reshape(2, CHUNKS, -1).max(0).T
    lengths = np.linalg.norm(rows, axis=1).reshape(2, CHUNKS).max(0)
    allowed = (tried.gaps[:, None] + float_error(64) * tried.sizes[:, None]) * lengths
    assert (np.abs(found - sure) <= allowed + tried.rounding * np.abs(found)).all()
    assert found.shape == (len(probes), CHUNKS)


class Overflowing(ManyProbes):
    """As an instruction that saturates at 16 bits would have it."""

    def maxima(self, codes: Tensor, scales: Tensor) -> NDArray[np.float32]:
        return super().maxima(codes.clamp(-100, 100), scales)


class Missing(ManyProbes):
    def __init__(self, probes: NDArray[np.float32]) -> None:
        torch.ops.onednn.not_there(probes)


@pytest.mark.parametrize("kernel", [Overflowing, Missing])
def test_a_kernel_that_errs_is_not_used(kernel: type[Kernel]) -> None:
    assert works(Floats)
    assert not works(kernel)


def test_without_the_kernels_the_answer_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "works", lambda kernel: False)
    rows = units(5000, 4, 20)
    index = CoarseIndex(20)
    people = np.arange(len(rows))
    index.append(people + 1, people, rows)
    for probes in (units(1, 5, 20), units(4, 5, 20)):
        scan = index.scan(probes)
        for which, probe in enumerate(probes):
            assert answer(index, rows, scan, which, 4) == brute_force(rows, people, probe, 4)


def test_what_is_erased_is_wiped_out() -> None:
    rows = units(10, 6, 8)
    index = CoarseIndex(8)
    people = np.arange(10)
    index.append(people + 1, people, rows)
    assert not index.correct(np.array([3]), np.array([NOBODY]))
    assert index.correct(np.array([3]), np.array([NOBODY]))
    (block,) = index._blocks
    assert not block.codes[3].any()
    assert block.codes[4].any()
    assert index.holes == 1


@pytest.mark.parametrize("before", [100, ROWS])
def test_a_scan_while_rows_are_added_looks_at_those_that_count(
    monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    """Also at the moment when there is a new block, and no row of it is written yet."""
    rows = units(before + 10, 7, 8)
    index = CoarseIndex(8)
    people = np.arange(len(rows))
    index.append(people[:before] + 1, people[:before], rows[:before])
    scans: list[Scan] = []
    write = CoarseIndex._write

    def watched(self: CoarseIndex, *new: Any) -> None:
        scans.append(self.scan(rows[:3]))
        write(self, *new)

    monkeypatch.setattr(CoarseIndex, "_write", watched)
    index.append(people[before:] + 1, people[before:], rows[before:])
    (scan,) = scans
    assert scan.count == before
    for which in range(3):
        assert answer(index, rows, scan, which, 4) == brute_force(rows, people, rows[which], 4)
