"""The address that the service listens on, and the server behind it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

import h11
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from firstsight.errors import BodyMalformed, Overloaded, UsageError
from firstsight.service.envelope import refused

CONNECTIONS: Final = 1000
"""At the same time; those beyond are answered 503."""
IDLE: Final = 15
"""Seconds that an unused connection is kept."""
HEAD: Final = 10.0
"""Seconds from a connection, or from the first byte of a further request, until all of its head is there."""
REST: Final = 30.0
"""Seconds until the rest of a body is there that was answered before it was read."""
STALLED: Final = 30.0
"""Seconds in which a client takes nothing of an answer that waits for it, before it is let go."""


class Punctual(H11Protocol):
    """A connection that is closed when the rest of a request does not come, or nobody takes the answer.

    uvicorn's own timer is for unused connections and stops at every byte: one that drips would be held for
    ever, by anybody. How long a body may take that is being read is the service's to say.
    """

    _owed: object = None
    _timer: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Its first request is owed."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Some of what is owed came, or all of it."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """What is left of the request is read to nobody."""
        super().on_response_complete()
        self._watch()

    def handle_events(self) -> None:
        """Answer what came; beyond so many connections, that there are too many.

        uvicorn's own limit answers with text, and says nothing of when to come back.
        """
        full = max(len(self.connections), len(self.tasks)) >= CONNECTIONS
        self.app = _crowded if full else self.config.loaded_app
        super().handle_events()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, in the one form of errors; the connection ends, for nobody knows what follows."""
        error = BodyMalformed(msg, hint="Send a request of HTTP/1.1, with its Host and one Content-Length.")
        answer = refused(error, 400)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is owed any more."""
        super().connection_lost(exc)
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        """More of an answer waits than is kept for a client."""
        super().pause_writing()
        self._stall = self.loop.call_later(STALLED, self._stalled, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It took most of it."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _stalled(self, before: int) -> None:
        """Let go of who took nothing since; who is slow may be."""
        waiting = self.transport.get_write_buffer_size()
        if waiting < before:
            self._stall = self.loop.call_later(STALLED, self._stalled, waiting)
        else:
            self.transport.abort()

    def _watch(self) -> None:
        """Begin to wait for what is owed now, and go on waiting for what was owed before."""
        theirs = self.conn.their_state
        new = self.cycle is None
        head = theirs is h11.IDLE and (new or bool(self.conn.trailing_data[0]))
        rest = theirs is h11.SEND_BODY and self.conn.our_state is h11.DONE
        owed = theirs if head or rest else None
        if owed is self._owed:
            return
        self._owed = owed
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if owed is not None:
            self._timer = self.loop.call_later(HEAD if head else REST, self.timeout_keep_alive_handler)


async def _crowded(scope: Scope, receive: Receive, send: Send) -> None:
    """In the application's place while there are too many connections."""
    error = Overloaded("All connections are in use.", hint="Try again in a second.", retry_after=1)
    await refused(error)(scope, receive, send)


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


def server(app: ASGIApp) -> uvicorn.Server:
    """What answers, within the limits of a connection."""
    config = uvicorn.Config(
        app,
        http=Punctual,
        # Addresses of requests hold numbers of people: the log has patterns only.
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=30,
        ws="none",
    )
    return uvicorn.Server(config)


def run(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until Ctrl-C or a signal to end; requests in work are finished."""
    server(app).run(sockets=[listening])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
