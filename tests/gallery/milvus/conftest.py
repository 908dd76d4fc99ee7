"""A real server beside Milvus Lite."""

from __future__ import annotations

from itertools import count

import pytest
from tests.gallery.milvus_server import MilvusServer, milvus_server

__all__ = ["milvus_server"]  # fixtures

NUMBERS = count(1)


@pytest.fixture
def server_gallery(milvus_server: MilvusServer) -> str:
    """The address of a gallery on the server that is not there yet."""
    return f"milvus://{milvus_server.address}/people_{next(NUMBERS)}"
