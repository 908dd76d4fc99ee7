"""Embeddings whose length says something, of models that compare by other than inner products."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.gallery.gallery_makers import CONTRACT, DIMENSION, KEY, OTHER, names, units

from firstsight.errors import UsageError
from firstsight.gallery import NewTemplate, open_store
from firstsight.gallery.copying import copy


def nearness(probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
    """As a Euclidean head compares."""
    apart = np.linalg.norm(probes[:, None] - templates[None], axis=2)
    return np.asarray(-apart, np.float32)


@pytest.mark.parametrize(
    "engine",
    [
        "sqlite",
        "sqlite-sealed",
        pytest.param("postgres", marks=pytest.mark.server),
        pytest.param("postgres-sealed", marks=pytest.mark.server),
    ],
)
def test_a_model_that_compares_in_its_own_way_has_embeddings_of_any_length(
    engine: str, path: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = path if engine.startswith("sqlite") else request.getfixturevalue("postgres_gallery")
    key = KEY if engine.endswith("sealed") else None
    (row,) = units(1, 1)
    store = open_store(place, CONTRACT, similarity=nearness, key=key)
    for name, length in (("Near", 1), ("Ada", 3), ("Far", 9), ("Nowhere", 0)):
        store.add(name, [NewTemplate(row * np.float32(length))])
    assert store.search((row * np.float32(3.1))[None], 1)[0][0].person == "Ada"
    for bad in (np.nan, np.inf):
        with pytest.raises(UsageError, match="not finite"):
            store.add("Bob", [NewTemplate(np.full(DIMENSION, bad, np.float32))])
    assert names(store.people()) == ["Ada", "Far", "Near", "Nowhere"]
    # Whoever copies a gallery knows nothing of its model.
    source, target = open_store(place, key=key), open_store(tmp_path / "copy.db", CONTRACT)
    assert copy(source, target).templates == 4
    longer = {each.id: 2 * units(1, 3, OTHER.dimension)[0] for each in store.templates("Ada")}
    dropped = [each.id for person in store.people() for each in store.templates(person.id)]
    assert store.replace_all(OTHER, longer, dropped) == ["Far", "Near", "Nowhere"]
    for each in (store, source, target):
        each.close()


def test_a_model_that_compares_by_inner_products_has_not(path: Path) -> None:
    store = open_store(path, CONTRACT)
    (long,) = 2 * units(1, 1)
    with pytest.raises(UsageError, match="unit length"):
        store.add("Ada", [NewTemplate(long)])
    with pytest.raises(UsageError, match="unit length"):
        store.replace_all(OTHER, {1: 2 * units(1, 1, OTHER.dimension)[0]})
    store.close()
