"""How a gallery is opened: the embedded one by its path, those on a server by their address."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from firstsight.errors import UsageError
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.records import Contract
from firstsight.gallery.sqlite import SqliteStore
from firstsight.gallery.sqlite.backup import back_up as copy_file
from firstsight.gallery.store import Store

ENGINES: Final = {"milvus": "milvus", "postgresql": "postgres"}
"""Server engines by the scheme of their addresses: the folder here, and the extra that brings its client."""

SHOWN: Final = ("gallery", "host", "index", "port")
"""What of an address's query tells galleries apart and is nobody's secret."""
LEADING: Final = ("hostaddr", "service", "servicefile", "user")
"""What of it is not shown, and yet may lead to another server or database."""
HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\[\]:]*)(?::(\d*))?")
PORT, PEOPLE, MILVUS_PORT = "5432", "people", 19_530
"""What goes without saying: PostgreSQL's port and the gallery in a database, and the port of Milvus."""


def placed(location: str | Path) -> str:
    """A gallery's place with the home folder for ``~``, which no shell replaces in a program or a setting.

    Raises:
        UsageError: no file was meant, but SQLite's way to say memory.
    """
    place = str(location)
    if "://" in place:
        return place
    if place == ":memory:":
        raise UsageError(
            "There are no galleries in memory; a file called :memory: would be made.",
            hint="For one that goes again, name a file in a temporary folder (tempfile.TemporaryDirectory).",
        )
    # A file may be called ~so where nobody is called so.
    with suppress(RuntimeError):
        return str(Path(place).expanduser())
    return place


def shown(location: str) -> str:
    """A gallery's place as it may be shown: an address without user, password and token."""
    scheme, sign, rest = location.partition("://")
    if not sign:
        return location
    place, mark, query = rest.rpartition("@")[2].partition("?")
    kept = [part for part in query.split("&") if part.partition("=")[0] in SHOWN]
    return f"{scheme}://{place}{mark if kept else ''}{'&'.join(kept)}"


def told_apart(location: str) -> str:
    """An address by which a gallery is told from every other, and is one however its address is written.

    Without any password or token. As ``shown``, where that does, but for what goes without saying (a
    default port, the gallery's default name); with what that leaves out and yet leads elsewhere. Who
    connects does not: all users find the same gallery in the same database.
    """
    scheme, sign, rest = location.partition("://")
    try:
        if sign and scheme == "postgresql":
            return _told_postgres(rest)
        if sign and scheme == "milvus":
            return _told_milvus(location)
    except ValueError:
        pass  # Nor can it be opened.
    return shown(location)


def same_gallery(one: str | Path, other: str | Path) -> bool:
    """Whether two places are one gallery's: a file under two names, an address written in two ways.

    Two names of one server cannot be told for that.

    Raises:
        UsageError: one of them can be no gallery; see ``placed``.
    """
    one, other = placed(one), placed(other)
    if "://" in one or "://" in other:
        return told_apart(one) == told_apart(other)
    with suppress(OSError):  # One of them is not there yet.
        return Path(one).samefile(other)
    return os.path.realpath(one) == os.path.realpath(other)


def _told_postgres(rest: str) -> str:
    """As ``postgres.read_address`` reads it, which needs the client installed."""
    rest, _, query = rest.partition("?")
    login, _, place = rest.rpartition("@")
    hosts, _, database = place.partition("/")
    alone = None if "," in hosts else HOST.fullmatch(hosts)
    parts = {"user": login.partition(":")[0], "dbname": database}
    if alone:
        parts |= {"host": alone[1].strip("[]"), "port": alone[2] or ""}
    asked = dict(parse_qsl(query, keep_blank_values=True))
    named = {key: unquote(value) for key, value in parts.items()} | asked
    host, port = named.get("host", ""), named.get("port", "")
    # A service, or libpq's environment, has a default of its own.
    elsewhere = bool({"service", "servicefile"} & named.keys() or os.environ.get("PGSERVICE"))
    if port == (os.environ.get("PGPORT") or PORT) == PORT and not elsewhere:
        port = ""
    server, kept = "", {}
    if not alone and "host" not in asked:
        server, kept = quote(hosts.lower(), safe=",:[]"), {"port": port}
    elif host.startswith(("/", "@")) or "," in host:  # a socket, or several hosts
        kept = {"host": host, "port": port}
    else:
        server = quote(host.lower(), safe=":")
        server = (f"[{server}]" if ":" in server else server) + (port and f":{port}")
    gallery = named.get("gallery", PEOPLE)
    kept["gallery"] = "" if gallery == PEOPLE else gallery
    # Without a name the database is the one that is called as the user.
    hidden = {name: named.get(name, "") for name in LEADING if name != "user" or not named["dbname"]}
    path = f"/{quote(named['dbname'], safe='')}" if named["dbname"] else ""
    shown_part = "&".join(f"{name}={quote(value, safe='/:,@')}" for name, value in kept.items() if value)
    return "&".join(
        [
            f"postgresql://{server}{path}{shown_part and '?'}{shown_part}",
            *(f"{name}={quote(value, safe='')}" for name, value in hidden.items() if value),
        ]
    )


def _told_milvus(location: str) -> str:
    """As ``milvus.read_address`` reads it; neither an index nor how one connects makes another gallery."""
    parts = urlsplit(location)
    if parts.hostname is None:
        return f"milvus://{os.path.realpath(unquote(parts.path))}"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"milvus://{host}:{parts.port or MILVUS_PORT}/{parts.path.removeprefix('/')}"


class Opening(Protocol):
    """What the folder of an engine offers as ``open_store``."""

    def __call__(
        self, address: str, contract: Contract | None, *, similarity: Similarity, key: bytes | None
    ) -> Store:
        """As ``open_store`` below; the errors are the same."""


def open_store(
    location: str | Path,
    contract: Contract | None = None,
    *,
    similarity: Similarity = inner_product,
    key: bytes | None = None,
) -> Store:
    """Open a gallery, or make one.

    Args:
        location: path of a SQLite file, also from ``~`` on, or the address of a gallery on a server.
        contract: of the model to be used. Without one the gallery must exist; it can be listed and
            edited whatever made it.
        similarity: how that model compares.
        key: 32 bytes that embeddings and crops are encrypted with; by default those in
            ``FIRSTSIGHT_KEY``. A new gallery made with a key is encrypted, others are not.

    Raises:
        UsageError: an unknown kind of location, ":memory:", or its client is not installed.
        GalleryUnavailable, GalleryBusy, GalleryCorrupt, GalleryTooNew: it cannot be opened.
        GalleryLocked: it is encrypted with another key, or not encrypted although a key is given.
        ModelMismatch: it was made with another model.
    """
    scheme, sign, _ = str(location).partition("://")
    if not sign:
        return SqliteStore(Path(placed(location)), contract, similarity=similarity, key=key)
    engine = _engine(scheme)
    try:
        opening: Opening = import_module(f"firstsight.gallery.{engine}").open_store
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Galleries of the kind {scheme!r} need a client that is not installed ({error.name}).",
            hint=f"Install it: pip install 'firstsight[{engine}]'",
        ) from error
    return opening(str(location), contract, similarity=similarity, key=key)


def back_up(location: str | Path, target: Path) -> None:
    """Copy a gallery to a new file, of one moment, while others read and write it; whole or not at all.

    Also what the service keeps beside a gallery, which is a file of the same kind.

    Args:
        location: of the gallery.
        target: a file that is not there yet.

    Raises:
        UsageError: an engine that is backed up by its own means; or no kind of gallery.
        GalleryMissing: there is none.
        GalleryUnavailable: the target is there already, or cannot be written.
        GalleryBusy, GalleryCorrupt: the gallery.
    """
    scheme, sign, _ = str(location).partition("://")
    if sign:
        _engine(scheme)
        raise UsageError(
            "A gallery on a server is backed up by the server's own tools.",
            hint="Or copy it to a file: firstsight gallery copy ADDRESS FILE",
        )
    copy_file(Path(placed(location)), target)


def _engine(scheme: str) -> str:
    """The folder of the engine that an address names.

    Raises:
        UsageError: there is none.
    """
    if scheme not in ENGINES:
        raise UsageError(
            f"No gallery of the kind {scheme!r} is known.",
            hint=f"Give the path of a file, or an address: {', '.join(f'{name}://' for name in ENGINES)}.",
        )
    return ENGINES[scheme]
