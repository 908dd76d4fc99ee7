from __future__ import annotations

import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from firstsight.twins import cosine, unit


def test_cosine_agrees_with_scikit_learn() -> None:
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(7, 16, generator=draw), torch.randn(5, 16, generator=draw)
    expected = torch.from_numpy(cosine_similarity(left, right))
    torch.testing.assert_close(cosine(left, right), expected, atol=1e-6, rtol=0)


def test_higher_is_more_alike() -> None:
    face = torch.tensor([[1.0, 2.0, 3.0]])
    others = torch.tensor([[2.0, 4.0, 6.0], [3.0, 2.0, 1.0], [-1.0, -2.0, -3.0]])
    same, near, opposite = cosine(face, others)[0].tolist()
    assert same == pytest.approx(1)
    assert opposite == pytest.approx(-1)
    assert opposite < near < same


def test_unit_keeps_a_row_of_zeros() -> None:
    rows = unit(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
    torch.testing.assert_close(rows, torch.tensor([[0.0, 0.0], [0.6, 0.8]]))
