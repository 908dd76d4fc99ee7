from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from firstsight.datasets.samplers import Batch
from firstsight.errors import TrainingStopped
from firstsight.training.monitors import PATIENCE, Monitor, balanced


def batch(labels: list[int], chosen: list[tuple[int, int]] | None = None) -> Batch:
    count = len(labels)
    pairs = None
    if chosen is not None:
        pairs = np.zeros((count, count), dtype=np.bool_)
        for left, right in chosen:
            pairs[left, right] = True
    return Batch(np.arange(count), np.zeros(count, np.intp), np.array(labels, np.int64), pairs)


GOOD = batch([0, 0, 1, 1])


def spread(size: float = 1.0) -> Tensor:
    noise = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    return torch.ones(4, 8) + size * noise


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_no_number_ends_the_run_at_once(loss: float) -> None:
    with pytest.raises(TrainingStopped, match=str(loss)) as caught:
        Monitor(compares=True).look(loss, spread(), GOOD)
    assert "optimiser.rate" in caught.value.hint


@pytest.mark.parametrize("embeddings", [spread(1e-6), torch.zeros(4, 8)])
def test_a_collapse_ends_the_run_after_a_while(embeddings: Tensor) -> None:
    monitor = Monitor(compares=False)
    for _ in range(PATIENCE - 1):
        monitor.look(0.69, embeddings, GOOD)
    with pytest.raises(TrainingStopped, match="collapsed") as caught:
        monitor.look(0.69, embeddings, GOOD)
    assert caught.value.hint


def test_long_embeddings_in_one_direction_are_a_collapse_too() -> None:
    monitor = Monitor(compares=False)
    embeddings = torch.linspace(1, 100, 4)[:, None] * torch.ones(4, 8)
    with pytest.raises(TrainingStopped, match="collapsed"):
        for _ in range(PATIENCE):
            monitor.look(0.69, embeddings, GOOD)


def test_what_goes_well_once_begins_the_count_anew() -> None:
    monitor = Monitor(compares=True)
    for _ in range(3):
        for _ in range(PATIENCE - 1):
            monitor.look(0.69, spread(1e-6), batch([0, 1, 2, 3]))
        monitor.look(0.69, spread(), GOOD)


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [5, 5, 5, 5]])
def test_one_sided_batches_end_a_run_that_compares(labels: list[int]) -> None:
    for _ in range(2 * PATIENCE):
        Monitor(compares=False).look(0.5, spread(), batch(labels))
    monitor = Monitor(compares=True)
    with pytest.raises(TrainingStopped, match="only mated or only other pairs") as caught:
        for _ in range(PATIENCE):
            monitor.look(0.5, spread(), batch(labels))
    assert "sampler" in caught.value.hint


@pytest.mark.parametrize(
    ("labels", "chosen", "answer"),
    [
        ([0, 0, 1], None, True),
        ([0, 1, 2], None, False),
        ([1, 1, 1], None, False),
        ([0, 0, 1], [(0, 1), (0, 2)], True),
        ([0, 0, 1], [(0, 1)], False),
        ([0, 0, 1], [(0, 2), (1, 2)], False),
    ],
)
def test_only_pairs_that_count_are_asked(
    labels: list[int], chosen: list[tuple[int, int]] | None, answer: bool
) -> None:
    assert balanced(batch(labels, chosen)) is answer
