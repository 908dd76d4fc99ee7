"""Galleries of every kind, empty, in a folder of the test's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, Opener

from firstsight.gallery import Contract, Store, open_store


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTSIGHT_KEY", raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture(params=[None, KEY], ids=["sqlite", "sqlite-sealed"])
def store_factory(request: pytest.FixtureRequest, path: Path) -> Iterator[Opener]:
    """Each store class is run through the contract tests by a parameter of this fixture."""
    opened: list[Store] = []

    def opener(contract: Contract | None = CONTRACT) -> Store:
        opened.append(open_store(path, contract, key=request.param))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()


@pytest.fixture
def store(store_factory: Opener) -> Store:
    return store_factory()


@pytest.fixture
def plain(path: Path) -> Iterator[Store]:
    """A SQLite gallery that is not sealed."""
    store = open_store(path, CONTRACT)
    yield store
    store.close()
