"""The address of a gallery in Milvus."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from firstsight.errors import UsageError

PORT: Final = 19530
"""Where Milvus listens by default."""
NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
"""What Milvus allows as a collection's name, with room for our endings."""
LITE_NAME: Final = "people"
"""The one gallery of a Milvus Lite file."""
INDEXES: Final = ("flat", "hnsw")
EF: Final = 256
LARGEST_EF: Final = 32_768
EXAMPLE: Final = "milvus://host:19530/people"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a gallery is, and how it is searched."""

    uri: str
    """As pymilvus takes it; without user and password."""
    name: str
    """Of the gallery; its collections begin with it."""
    shown: str
    """As it stands in messages."""
    path: Path | None = None
    """Of a Milvus Lite file."""
    token: str = field(default="", repr=False)
    """``user:password``, or a token; never shown."""
    index: str | None = None
    """What was asked for; None for the gallery's own, which is flat for a new one."""
    ef: int = EF
    """Candidates that an HNSW search looks at, at least."""


def read_address(text: str) -> Address:
    """An address in its parts.

    ``milvus://[user:password@]host[:port]/name`` for a server, ``milvus:///absolute/path.db`` for a
    Milvus Lite file. Options follow a question mark: ``index=flat`` or ``index=hnsw``, ``ef=256``,
    ``tls=1``.

    Raises:
        UsageError: it cannot be meant. The message holds neither user nor password.
    """
    try:
        parts = urlsplit(text)
        port, host = parts.port or PORT, parts.hostname
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _unusable("A milvus:// address cannot be read.") from None
    given = dict(options)
    if unknown := sorted(given.keys() - {"index", "ef", "tls"}):
        raise _unusable(f"A milvus:// address has the unknown option {unknown[0]!r}.")
    index = given.get("index")
    if index is not None and index not in INDEXES:
        raise UsageError(f"Milvus keeps no index {index!r} for us.", hint="Give index=flat or index=hnsw.")
    ef = given.get("ef", str(EF))
    if not ef.isdecimal() or not 1 <= int(ef) <= LARGEST_EF:
        raise UsageError(f"ef={ef} cannot be meant.", hint=f"Give a number from 1 to {LARGEST_EF:,}.")
    if host is None:
        path = Path(unquote(parts.path))
        if not path.is_absolute() or path.suffix != ".db":
            raise _unusable("A milvus:/// address without a host names no file that ends in .db.")
        return Address(str(path), LITE_NAME, f"milvus://{path}", path, index=index, ef=int(ef))
    name = parts.path.removeprefix("/")
    if not NAME.fullmatch(name):
        raise _unusable("A milvus:// address needs the gallery's name: letters, digits and underscores.")
    if given.get("tls", "0") not in ("0", "1"):
        raise _unusable("tls is 0 or 1.")
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    scheme = "https" if given.get("tls") == "1" else "http"
    token = ":".join(unquote(each) for each in (parts.username, parts.password) if each is not None)
    shown = f"milvus://{place}/{name}"
    return Address(f"{scheme}://{place}", name, shown, token=token, index=index, ef=int(ef))


def _unusable(message: str) -> UsageError:
    return UsageError(message, hint=f"Give {EXAMPLE}, or milvus:///absolute/path.db for Milvus Lite.")
