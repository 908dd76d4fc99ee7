from __future__ import annotations

import socket
from contextlib import closing

import pytest

from firstsight.errors import UsageError
from firstsight.service.listening import address, listen


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_are_not_held_back(host: str) -> None:
    try:
        listening = listen(host, 0)
    except UsageError:
        pytest.skip(f"{host} is not of this machine")
    with closing(listening):
        port = listening.getsockname()[1]
        assert address(listening) == f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        with socket.create_connection((host, port)), closing(listening.accept()[0]) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_told() -> None:
    with closing(listen("127.0.0.1", 0)) as taken, pytest.raises(UsageError, match="cannot be listened on"):
        listen("127.0.0.1", taken.getsockname()[1])
