"""From batches of rows to batches of pixels, some batches ahead of their use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets.augment import Augment
from firstsight.datasets.prepared import Prepared
from firstsight.datasets.samplers import QUARTERS, Batch, Sampler
from firstsight.models.preprocessing import Preprocessing, averaged

AHEAD: Final = 4
PART: Final = 16
"""Pictures that one thread distorts at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutter:
    """Cuts what a model sees out of prepared pictures, distorted in training."""

    prepared: Prepared
    preprocessing: Preprocessing
    augment: Augment
    seed: int

    def base(self) -> NDArray[np.float64]:
        """The map from a prepared picture to the undistorted crop, before averaging: (2, 3)."""
        side = self.preprocessing.size * self.preprocessing.oversample
        if not self.prepared.view.points:
            # Pixel centres: the middle of the first picture's corner pixel goes to that of the second's.
            scale = side / self.prepared.view.side
            return np.array(((scale, 0, (scale - 1) / 2), (0, scale, (scale - 1) / 2)))
        from firstsight.faces import similarity_transform

        return similarity_transform(
            np.array(self.prepared.view.points),
            self.preprocessing.oversampled_points,
        )

    def plain(self, rows: NDArray[np.intp]) -> NDArray[np.uint8]:
        """The pictures as they are seen at use: (N,) -> (N, S, S, C) uint8."""
        matrix, side = self.base(), self.preprocessing.size * self.preprocessing.oversample
        edge = Augment(edge=True)
        return np.stack(
            [
                averaged(edge.warp(self.prepared.pixels[row], matrix, side), self.preprocessing.oversample)
                for row in rows
            ]
        )

    def distorted(self, row: int, turn: int, draw: np.random.Generator) -> NDArray[np.uint8]:
        """One picture as it is seen in training, in one of ``Batch.turns``: (S, S, C) uint8."""
        side = self.preprocessing.size * self.preprocessing.oversample
        first, second = (
            np.vstack([matrix, (0, 0, 1)]) for matrix in (self.base(), self.augment.matrix(draw, side))
        )
        bent = self.augment.field(draw, side)
        moved = self.augment.warp(self.prepared.pixels[row], (second @ first)[:2], side, bent)
        crop = averaged(moved, self.preprocessing.oversample)
        crop = np.rot90(crop[:, ::-1] if turn >= QUARTERS else crop, turn % QUARTERS)
        return self.augment.tint(np.ascontiguousarray(crop), draw)


def load(
    cutter: Cutter,
    sampler: Sampler,
    epoch: int,
    start: int = 0,
    *,
    workers: int = 2,
    share: tuple[int, int] = (0, 1),
) -> Iterator[tuple[Batch, NDArray[np.uint8]]]:
    """The batches of an epoch with their pixels (N, S, S, C).

    Args:
        cutter: how pictures are cut.
        sampler: which pictures.
        epoch: from 0.
        start: the step to begin with, as when a run is resumed.
        workers: threads; the picture functions release the interpreter.
        share: (rank, processes): only every so-manyth picture is cut, as when several processes share
            a batch; the batch itself is whole.
    """
    rank, processes = share

    def part(batch: Batch, step: int, places: range) -> NDArray[np.uint8]:
        cut = []
        for place in places:
            draw = np.random.default_rng((cutter.seed, epoch, step, place))
            cut.append(cutter.distorted(int(batch.rows[place]), int(batch.turns[place]), draw))
        return np.stack(cut)

    def asked(step: int) -> tuple[Batch, list[Future[NDArray[np.uint8]]]]:
        batch = sampler.batch(epoch, step)
        mine = range(rank, len(batch.rows), processes)
        parts = [mine[begin : begin + PART] for begin in range(0, len(mine), PART)]
        return batch, [pool.submit(part, batch, step, places) for places in parts]

    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[Batch, list[Future[NDArray[np.uint8]]]]] = deque()
        for step in range(start, len(sampler) + AHEAD):
            if step < len(sampler):
                waiting.append(asked(step))
            if len(waiting) > AHEAD or (step >= len(sampler) and waiting):
                batch, parts = waiting.popleft()
                yield batch, np.concatenate([one.result() for one in parts])
