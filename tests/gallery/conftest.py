"""Galleries of every kind, empty, in a folder of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, Opener
from tests.gallery.lite_server import milvus_gallery, milvus_lite
from tests.gallery.servers import postgres, postgres_gallery

from firstsight.gallery import Contract, Store, open_store

__all__ = ["milvus_gallery", "milvus_lite", "postgres", "postgres_gallery"]  # fixtures


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTSIGHT_KEY", raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture(
    params=[
        "sqlite",
        "sqlite-sealed",
        "milvus",
        pytest.param("postgres", marks=pytest.mark.server),
        pytest.param("postgres-sealed", marks=pytest.mark.server),
    ]
)
def store_factory(request: pytest.FixtureRequest, path: Path) -> Iterator[Opener]:
    """Each store class is run through the contract tests by a parameter of this fixture."""
    engine, _, sealed = request.param.partition("-")
    place = path if engine == "sqlite" else request.getfixturevalue(f"{engine}_gallery")
    opened: list[Store] = []

    def opener(contract: Contract | None = CONTRACT) -> Store:
        opened.append(open_store(place, contract, key=KEY if sealed else None))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(store_factory: Opener) -> Store:
    return store_factory()


@pytest.fixture
def clears(store: Store) -> bool:
    """Whether the store can say that no trace is left of what was removed; Milvus frees space later."""
    return type(store).__name__ != "MilvusStore"


@pytest.fixture
def plain(path: Path) -> Iterator[Store]:
    """A SQLite gallery that is not sealed."""
    store = open_store(path, CONTRACT)
    yield store
    store.close()
