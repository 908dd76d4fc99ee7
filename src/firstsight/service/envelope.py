"""Around every request: an id, headers that keep browsers strict, and one form for all errors."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Final

from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstsight import fields
from firstsight.errors import BodyMalformed, FirstsightError, NoSuchAddress, ServiceError
from firstsight.service import bodies, faults
from firstsight.service.line import Line
from firstsight.service.metrics import Metrics

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; media-src blob:; form-action 'none'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
ENCODED: Final = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
DESCRIBED: Final = "All addresses are described in /v1/openapi.json, and for people at /docs."
PROBED: Final = ("/", "/docs", "/healthz", "/readyz", "/metrics")
"""Addresses that proxies and monitors look at by HEAD, which is answered there as GET is."""
log = logging.getLogger("firstsight.service")


class Envelope:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, metrics: Metrics, line: Line, patience: float) -> None:
        """Wrap an application; photos wait in that line, and for a short body one waits so long."""
        self._app, self._metrics, self._line, self._patience = app, metrics, line, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens inside."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] == "HEAD" and scope["path"] in PROBED:
            # A copy: the server, whose the first one is, leaves out the body of the answer.
            scope = {**scope, "method": "GET"}
        scope.setdefault("state", {})["request_id"] = request_id = secrets.token_hex(8)
        began, status = time.monotonic(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name.lower() for name, _ in message["headers"]}
                extra = [*ENCODED, (b"x-request-id", request_id.encode())]
                message["headers"] = [*message["headers"], *(one for one in extra if one[0] not in own)]
            await send(message)

        try:
            if refusal := self._refused(Headers(scope=scope)):
                await answered(refusal, request_id)(scope, receive, sending)
            else:
                await self._app(scope, bodies.shortened(scope, receive, self._patience), sending)
        except Exception as failure:
            # What went wrong is in the log, under the id; whoever asked learns nothing of our inside.
            log.error("request %s failed\n%s", request_id, faults.told(failure))
            if status:
                raise ServiceError("An answer broke off; see the line above.") from None
            error = ServiceError("Something went wrong.", hint=f"It is in the log under {request_id}.")
            await answered(error, request_id)(scope, receive, sending)
        finally:
            if share := scope["state"].get("share"):
                share.release()
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.answered(route, status, time.monotonic() - began)
            log.info("%s %s %s", request_id, route, status)

    def _refused(self, headers: Headers) -> FirstsightError | None:
        """What is refused before anything is done for it."""
        kind = bodies.kind(headers)
        try:
            if bodies.holds_photos(kind):
                # Many may be sent away at once: it must cost next to nothing.
                self._line.check()
            elif not bodies.read_in_pieces(kind):
                # Bodies that the framework reads whole, before it is known who asks, are short and say so.
                bodies.announced(headers, bodies.SHORT)
                if "transfer-encoding" in headers:
                    raise BodyMalformed(
                        "The body does not say how long it is.", hint="Send a Content-Length."
                    )
        except ServiceError as error:
            return error
        return None


def answered(error: FirstsightError, request_id: str, status: int | None = None) -> JSONResponse:
    """An error as an answer."""
    error = faults.veiled(error, "request", request_id)
    headers = {}
    if isinstance(error, ServiceError) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    elif error.http_status == 503:
        headers["Retry-After"] = "1"
    if error.http_status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    values = fields.error(error) | {"request_id": request_id}
    return JSONResponse({"error": values}, status or error.http_status, headers)


def refused(error: FirstsightError, status: int | None = None) -> JSONResponse:
    """An error as the answer to a request that does not reach the application."""
    request_id = secrets.token_hex(8)
    answer = answered(error, request_id, status)
    answer.headers.update(HEADERS | {"X-Request-Id": request_id})
    log.info("%s unknown %d", request_id, answer.status_code)
    return answer


async def on_error(request: Request, error: Exception) -> JSONResponse:
    """Ours, as they are."""
    assert isinstance(error, FirstsightError)  # noqa: S101 - registered for it alone
    return answered(error, request.state.request_id)


async def on_refusal(request: Request, error: Exception) -> JSONResponse:
    """What the framework refuses: an unknown path, a wrong method, values of another kind."""
    if isinstance(error.__cause__, FirstsightError):
        # Ours, which came up while the framework read the body.
        return answered(error.__cause__, request.state.request_id)
    status = error.status_code if isinstance(error, HTTPException) else 422
    if status == 404:
        found: FirstsightError = NoSuchAddress("There is nothing at this address.", hint=DESCRIBED)
    elif status == 405:
        found = BodyMalformed("This address does not take that method.", hint=DESCRIBED)
    else:
        found = BodyMalformed(f"The request cannot be meant{_where(error)}.", hint=DESCRIBED)
    answer = answered(found, request.state.request_id, status)
    # Which methods an address takes, above all.
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _where(error: Exception) -> str:
    """Which value it is about, in words; never the value itself."""
    if not isinstance(error, RequestValidationError):
        return ""
    told = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return f" ({'; '.join(told[:3])})"
