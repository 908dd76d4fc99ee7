"""The service's errors, as the exceptions that a recognizer raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import httpx

from firstsight.client import answers
from firstsight.errors import (
    BodyTooLarge,
    FirstsightError,
    Forbidden,
    Overloaded,
    RateLimited,
    ServiceError,
    ServiceUnavailable,
    SeveralFaces,
    Unauthorized,
)

WITHOUT_CODE: Final[dict[int, type[ServiceError]]] = {
    401: Unauthorized,
    403: Forbidden,
    413: BodyTooLarge,
    429: RateLimited,
    502: ServiceUnavailable,
    503: Overloaded,
    504: ServiceUnavailable,
}
"""By HTTP status: what answers that are not the service's own mean, as of a proxy before it."""
HINTS: Final[dict[int, str]] = {
    401: "Check the key.",
    403: "Check the key and the address.",
    413: "Make the photo smaller.",
    429: "Try again later.",
    502: "Check that the service runs.",
    503: "Try again later.",
    504: "Try again later.",
}


def failure(response: httpx.Response, address: str) -> FirstsightError:
    """The error that an answer stands for.

    Args:
        response: with a status other than 2xx, read.
        address: of the service, for messages.
    """
    try:
        told: Any = response.json()["error"]
        code, message = told["code"], told["message"]
        hint, request = told.get("hint"), told.get("request_id")
    except (ValueError, LookupError, TypeError, AttributeError):
        status = response.status_code
        return WITHOUT_CODE.get(status, ServiceError)(
            f"The service at {address} answered with status {status} and no reason.",
            hint=HINTS.get(status, "Check the address."),
        )
    # A service that repeats the key would have it written into logs.
    key = response.request.headers["Authorization"].removeprefix("Bearer ")
    said, advice = (str(text or "").replace(key, "...") for text in (message, hint))
    for kind in _tree(FirstsightError):
        if kind.code == code:
            found = kind(said, hint=advice)
            # As the service told it, whatever that kind says by itself.
            found.hint = advice
            if isinstance(found, SeveralFaces):
                # An earlier service does not tell them.
                with suppress(LookupError, TypeError, ValueError, OverflowError):
                    found.boxes = answers.boxes(told["boxes"])
            return found
    told_of = f"{code}, request {request}".replace(key, "...")
    return ServiceError(f"{said} ({told_of})", hint=advice)


def _tree(kind: type[FirstsightError]) -> Iterator[type[FirstsightError]]:
    """The errors of ``errors.py``, where each has a code of its own; what others derive may borrow one."""
    if kind.__module__ == FirstsightError.__module__:
        yield kind
        for child in kind.__subclasses__():
            yield from _tree(child)
