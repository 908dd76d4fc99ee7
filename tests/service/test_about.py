"""Whether the service is there."""

from __future__ import annotations

import httpx
import pytest
from tests.service.conftest import Served


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz", "/metrics"])
def test_who_looks_whether_it_is_there_is_answered_as_who_reads(served: Served, path: str) -> None:
    """Probes of proxies and monitors ask by HEAD."""
    with served.http() as http:
        asked, read = http.head(path), http.get(path)
        assert asked.status_code == read.status_code == 200
        assert asked.content == b""
        assert asked.headers["content-type"] == read.headers["content-type"]
    assert path != "/metrics" or httpx.head(served.url + path).status_code == 401
