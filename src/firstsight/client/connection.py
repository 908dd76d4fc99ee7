"""Requests to one service: asked again when it is busy, and answered by a record or an error of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, Final, TypeVar

import httpx

from firstsight.client.failures import failure
from firstsight.client.photos import Part
from firstsight.errors import ServiceError, ServiceUnavailable, UsageError

T = TypeVar("T")

BUSY: Final = (429, 503)
"""Statuses after which a request is sent again."""
RETRIES: Final = 3
FIRST_WAIT: Final = 0.5
"""Seconds, doubled each time, where the service does not say how long."""
LONGEST_WAIT: Final = 30.0
"""Seconds. A service that asks for more gets no second request; the caller hears at once."""

NEVER: Final = 1e9
"""Seconds, as long as anybody can ask for."""


class Connection:
    """A service and the key it is asked with. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        key: str,
        timeout: float | None,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None],
    ) -> None:
        """Prepare to ask; see ``Client`` for the arguments.

        Raises:
            UsageError: the address or the key cannot be meant.
        """
        self.address = _checked_address(url)
        self._timeout = timeout
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {_checked_key(key)}", "Accept": "application/json"},
            timeout=timeout,
            transport=transport,
        )

    def ask(
        self,
        read: Callable[[Any], T],
        method: str,
        path: str,
        *,
        params: Mapping[str, str | float] | None = None,
        data: Mapping[str, str] | None = None,
        json: object = None,
        files: Sequence[tuple[str, Part]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """Send a request, again while the service is busy, and read its answer.

        Raises:
            FirstsightError: the one that the service tells.
            ServiceUnavailable: it cannot be reached, or does not answer in time.
            ServiceError: its answer cannot be read.
        """
        # Built once: what is sent again is the same to the byte.
        request = self._http.build_request(
            method, path, params=params, data=data, json=json, files=files, headers=headers
        )
        response = self._send(request)
        for attempt in range(RETRIES):
            if response.status_code not in BUSY:
                break
            wait = _asked_wait(response.headers.get("Retry-After"))
            if wait is None:
                wait = FIRST_WAIT * 2**attempt
            if wait > LONGEST_WAIT:
                break
            self._sleep(wait)
            response = self._send(request)
        if not response.is_success:
            error = failure(response, self.address)
            wait = _asked_wait(response.headers.get("Retry-After"))
            if isinstance(error, ServiceError) and wait is not None:
                error.retry_after = ceil(wait)
            raise error
        try:
            return read(response.json())
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise ServiceError(
                f"The service at {self.address} answered {method} {path} with something else.",
                hint="Check the address, and that the service is of the same version.",
            ) from error

    def _send(self, request: httpx.Request) -> httpx.Response:
        """One answer, whatever its status.

        Raises:
            ServiceUnavailable: there is none.
        """
        if self._http.is_closed:
            raise ServiceUnavailable(f"The client of {self.address} was closed.", hint="Open it again.")
        try:
            return self._http.send(request)
        except httpx.TimeoutException as error:
            when = "in time" if self._timeout is None else f"within {self._timeout:g} s"
            raise ServiceUnavailable(
                f"The service at {self.address} did not answer {when}.",
                hint="Try again, or give it longer: timeout.",
            ) from error
        except httpx.RequestError as error:
            raise ServiceUnavailable(
                f"The service at {self.address} cannot be reached ({str(error) or type(error).__name__}).",
                hint="Check the address, and that the service runs.",
            ) from error

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


def _checked_address(url: str) -> str:
    """The address of a service, without a slash at its end.

    What is refused is not repeated: it may be a key in the wrong place, or hold a password.

    Raises:
        UsageError: it is none, or holds a password.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        parsed = httpx.URL()
    if parsed.userinfo:
        # httpx would send it in the place of the key.
        raise UsageError(
            f"The address of {parsed.host} holds a name or a password.", hint="Give the key apart from it."
        )
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise UsageError("What was given is not the address of a service.", hint="Give https://host:port")
    return str(parsed).rstrip("/")


def _checked_key(key: str) -> str:
    """The key, without the space around it that a file or a terminal leaves.

    Raises:
        UsageError: it cannot stand in a header.
    """
    clean = key.strip()
    if not clean or not all("!" <= character <= "~" for character in clean):
        raise UsageError(
            "The key is empty, or holds spaces or characters that no key has.",
            hint="Give it as the service made it.",
        )
    return clean


def _asked_wait(text: str | None) -> float | None:
    """Seconds that ``Retry-After`` asks for: a number or a moment (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    try:
        return min(float(text), NEVER) if text.isdecimal() else _until(parsedate_to_datetime(text))
    except (ValueError, OverflowError):
        return None


def _until(moment: datetime) -> float:
    """Seconds from now on; 0 when it has passed."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
