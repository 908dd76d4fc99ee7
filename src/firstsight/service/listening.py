"""The address that the service listens on, and the server behind it."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final

import uvicorn
from fastapi import FastAPI

from firstsight.errors import UsageError

CONNECTIONS: Final = 1000
"""At the same time; those beyond are answered 503."""
IDLE: Final = 15
"""Seconds that an unused connection is kept."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections; port 0 is any that is free.

    Raises:
        UsageError: the address is not this machine's, or the port is in use or not allowed.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"{host}, port {port}, cannot be listened on ({error.strerror or error}).",
            hint="Name another --port or --host.",
        ) from error
    # Connections have it from here. Otherwise the end of each answer waits for the client to acknowledge
    # its beginning, which clients put off for 40 ms.
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def address(listening: socket.socket) -> str:
    """What to open in a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def run(app: FastAPI, listening: socket.socket) -> None:
    """Serve until Ctrl-C or a signal to end; requests in work are finished."""
    config = uvicorn.Config(
        app,
        # Addresses of requests hold numbers of people: the log has patterns only.
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=30,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[listening])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
