"""The server's own search: exact, and ordered as the one in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.gallery.gallery_makers import CONTRACT, DIMENSION, units
from tests.gallery.servers import Postgres

from firstsight.gallery import NewTemplate, Store, open_store
from firstsight.gallery.index import Index
from firstsight.gallery.postgres import PostgresStore

pytestmark = pytest.mark.server

AXES = np.eye(DIMENSION, dtype=np.float32)


@pytest.fixture
def gallery(postgres_gallery: str) -> Iterator[PostgresStore]:
    store = open_store(postgres_gallery, CONTRACT)
    assert isinstance(store, PostgresStore)
    assert store._index is None  # the server searches
    yield store
    store.close()


def found(store: Store, probes: NDArray[np.float32], k: int) -> list[list[tuple[int, int]]]:
    return [[(match.person_id, match.template_id) for match in row] for row in store.search(probes, k)]


def test_of_equals_the_one_enrolled_first_comes_first(gallery: PostgresStore) -> None:
    for name, axes in {"Zoe": [0, 1], "Ada": [1], "Bob": [2, 1], "Carl": [1]}.items():
        gallery.add(name, [NewTemplate(AXES[axis]) for axis in axes])
    assert found(gallery, AXES[1:2], 9) == [[(1, 2), (2, 3), (3, 5), (4, 6)]]
    # Both of Zoe's photos are equally alike: the first of them counts.
    assert found(gallery, (AXES[:1] + AXES[1:2]) / np.float32(np.sqrt(2)), 1) == [[(1, 1)]]
    # A photo that changes hands keeps its place.
    gallery.move_template(6, "Zoe")
    gallery.move_template(3, "Dora")
    assert found(gallery, AXES[1:2], 9) == [[(1, 2), (5, 3), (3, 5)]]


def test_of_more_equals_than_are_looked_at_first_the_first_comes_first(gallery: PostgresStore) -> None:
    gallery.add("Ada", [NewTemplate(AXES[1])] * 200)
    gallery.move_template(1, "Bob")  # which writes its row behind all others
    gallery.move_template(3, "Carl")
    assert found(gallery, AXES[1:2], 9) == [[(2, 1), (1, 2), (3, 3)]]
    assert found(gallery, AXES[1:2], 1) == [[(2, 1)]]


def test_people_with_many_photos_do_not_hide_others(gallery: PostgresStore) -> None:
    """Also those beyond the templates that are looked at first."""
    rows = units(830, 3)
    owners = [0] * 300 + [1] * 500 + list(range(2, 32))
    for person in range(32):
        numbers = [number for number, owner in enumerate(owners) if owner == person]
        # The first two look like the probe, each photo of theirs more than anybody else's.
        near = [(row + 20 * AXES[0]) / np.linalg.norm(row + 20 * AXES[0]) for row in rows[numbers]]
        mine = near if person < 2 else rows[numbers]
        gallery.add(f"person {person}", [NewTemplate(np.asarray(row, np.float32)) for row in mine])
    probes = np.concatenate([AXES[:1], units(5, 4)])
    every = gallery._connection.read(
        lambda cursor: cursor.execute(
            "SELECT id, person_id, embedding::real[] FROM template ORDER BY id"
        ).fetchall()
    )
    index = Index.empty(DIMENSION).appended(
        np.array([row[0] for row in every]),
        np.array([row[1] for row in every]),
        np.array([row[2] for row in every], np.float32),
    )
    for k in (1, 3, 200):
        expected = [[(hit.person_id, hit.template_id) for hit in hits] for hits in index.search(probes, k)]
        assert found(gallery, probes, k) == expected
        assert len(expected[0]) == min(k, 32)


def test_an_embedding_is_kept_to_the_last_bit(gallery: PostgresStore) -> None:
    rows = units(50, 8)
    gallery.add("Ada", [NewTemplate(row) for row in rows])
    kept = gallery._connection.read(
        lambda cursor: gallery._embeddings.opened(
            cursor.execute(gallery._embeddings.listing, (0, 100)).fetchall(), CONTRACT
        )
    )
    assert kept.tobytes() == rows.tobytes()


def test_an_approximate_index_is_never_answered_from(gallery: PostgresStore, postgres: Postgres) -> None:
    rows = units(2000, 6)
    for start in range(0, 2000, 100):
        gallery.add(f"person {start}", [NewTemplate(row) for row in rows[start : start + 100]])
    schema = gallery._address.schema
    with postgres.connect() as database:
        database.execute(
            f'CREATE INDEX ON "{schema}".template USING hnsw (embedding vector_ip_ops) '
            "WITH (m = 2, ef_construction = 4)"
        )
        database.execute(f'ANALYZE "{schema}".template')
    probes = units(40, 7)
    best = (probes @ rows.T).argmax(axis=1) + 1
    assert [row[0][1] for row in found(gallery, probes, 1)] == best.tolist()


def test_a_similarity_of_the_models_own_is_computed_here(
    postgres_gallery: str, gallery: PostgresStore
) -> None:
    def reversed_sign(probes: NDArray[np.float32], templates: NDArray[np.float32]) -> NDArray[np.float32]:
        return -(probes @ templates.T)

    gallery.add("same", [NewTemplate(AXES[0])])
    store = open_store(postgres_gallery, CONTRACT, similarity=reversed_sign)
    assert [match.person for match in store.search(AXES[:1], 2)[0]] == ["same"]
    gallery.add("opposite", [NewTemplate(-AXES[0])])
    (matches,) = store.search(AXES[:1], 2)
    assert [(match.person, match.similarity) for match in matches] == [("opposite", 1.0), ("same", -1.0)]
    store.close()
