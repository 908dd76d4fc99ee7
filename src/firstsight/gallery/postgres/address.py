"""Where a gallery is: the server, its database, and the gallery's name within it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote

from firstsight.errors import UsageError

DEFAULT: Final = "people"
"""The gallery of an address that names none."""
PREFIX: Final = "firstsight_"
"""Before a gallery's name, the schema that holds its tables."""
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:]*)(?::(\d*))?")
"""A name, an address or, in brackets, one of IPv6; then a port."""
OPTIONS: Final = {
    "application_name": "firstsight",
    "connect_timeout": "10",
    # A server that vanished is noticed within a minute, also by who waits for its answer.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""libpq's options, unless the address has others."""
SECRETS: Final = ("password", "sslpassword")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was read."""

    options: dict[str, str] = field(repr=False)
    """For libpq; among them may be the password."""
    gallery: str
    place: str
    """The address for people to read: without user and password."""

    @property
    def schema(self) -> str:
        """The schema that holds the gallery's tables."""
        return PREFIX + self.gallery

    def concealed(self, text: str) -> str:
        """The text in one line, without any password of the address."""
        for secret in filter(None, map(self.options.get, SECRETS)):
            text = text.replace(secret, "***")
        return " ".join(text.split())


def read_address(address: str) -> Address:
    """Read ``postgresql://user:password@host:port/database?gallery=NAME``.

    Several hosts may stand with commas in between, as libpq has it. libpq is given the parts, not
    the whole: its own complaints about an address would show what stands where it expects a host.

    Raises:
        UsageError: it cannot be read. The message does not show it, for it may hold a password.
    """
    rest, _, query = address.partition("://")[2].partition("?")
    login, _, place = rest.rpartition("@")
    hosts, _, database = place.partition("/")
    found = [HOST.fullmatch(host) for host in hosts.split(",")]
    if any(char in database for char in "/#") or "#" in query or "/" in login or not all(found):
        raise _unreadable()
    user, _, password = login.partition(":")
    parts = {
        "user": user,
        "password": password,
        "host": ",".join(match[1].strip("[]") for match in found if match),
        "port": ",".join(match[2] or "" for match in found if match).strip(","),
        "dbname": database,
    }
    try:
        asked = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
        options = {key: unquote(value, errors="strict") for key, value in parts.items() if value} | asked
    except ValueError:  # which would show, too, what it stumbled over
        raise _unreadable() from None
    gallery = options.pop("gallery", DEFAULT)
    if not NAME.fullmatch(gallery):
        raise UsageError(
            "A gallery on a server cannot have that name.",
            hint="Write ?gallery= with 1 to 50 letters of English, digits, - and _.",
        )
    socket = f"host={asked['host']}&" if "host" in asked else ""
    shown = f"postgresql://{hosts}/{options.get('dbname', '')}?{socket}gallery={gallery}"
    return Address(OPTIONS | options, gallery, shown)


def _unreadable() -> UsageError:
    return UsageError(
        "The address of the gallery cannot be read.",
        hint="Write postgresql://user:password@host:port/database?gallery=NAME, and in user and "
        "password %40 for @, %3A for :, %2F for /, %23 for # and %3F for ?.",
    )
