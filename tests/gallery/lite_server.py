"""Milvus Lite for the tests: one in this process, with a gallery for each test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

NUMBERS = count(1)


@pytest.fixture(scope="session")
def milvus_lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its host and port. Over the network, as a server is: so it is not started anew for each test."""
    pytest.importorskip("pymilvus", reason="pymilvus is not installed: no gallery in Milvus is tested")
    lite = pytest.importorskip(
        "milvus_lite.adapter.grpc.server",
        reason="milvus-lite is not installed: no gallery in Milvus is tested",
    )
    folder = tmp_path_factory.mktemp("milvus") / "lite.db"
    server, database, port = lite.start_server_in_thread(data_dir=str(folder), host="127.0.0.1", port=0)
    yield f"127.0.0.1:{port}"
    server.stop(grace=0)
    database.close()


@pytest.fixture
def milvus_gallery(milvus_lite: str) -> str:
    """The address of a gallery that is not there yet."""
    return f"milvus://{milvus_lite}/people_{next(NUMBERS)}"
