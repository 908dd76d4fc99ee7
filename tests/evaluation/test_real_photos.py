"""The whole way on real photos: LFW's View 1, on which one may develop."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firstsight.datasets import open_lfw
from firstsight.evaluation.embedding import embed_pictures
from firstsight.models import Model

PAIRS = 80


def test_the_shipped_threshold_separates_real_people(shared_data: Path, tmp_path: Path, sface: Model) -> None:
    lfw = open_lfw(shared_data / "lfw")
    pairs = lfw.view1("test")
    mated = [pair for pair in pairs if pair.mated][:PAIRS]
    others = [pair for pair in pairs if not pair.mated][:PAIRS]
    names = sorted({name for pair in mated + others for name in (pair.left, pair.right)})
    found = embed_pictures(sface, lfw.identities.archive, names, cache=tmp_path)
    assert found.found.all()
    alike, apart = (
        np.einsum(
            "nd,nd->n",
            found.embeddings[found.rows([pair.left for pair in chosen])],
            found.embeddings[found.rows([pair.right for pair in chosen])],
        )
        for chosen in (mated, others)
    )
    threshold = sface.calibrated().threshold(1e-3)
    assert (alike >= threshold).mean() >= 0.95
    assert (apart < threshold).mean() >= 0.98
