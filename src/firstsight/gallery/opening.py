"""How a gallery is opened: the embedded one by its path, those on a server by their address."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote_plus

from firstsight.errors import UsageError
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.records import Contract
from firstsight.gallery.sqlite import SqliteStore
from firstsight.gallery.store import Store

ENGINES: Final = {"milvus": "milvus", "postgresql": "postgres"}
"""Server engines by the scheme of their addresses: the folder here, and the extra that brings its client."""

SHOWN: Final = ("gallery", "host", "index", "port")
"""What of an address's query tells galleries apart and is nobody's secret."""
LEADING: Final = ("dbname", "hostaddr", "service", "servicefile", "user")
"""What of it is not shown, and yet may lead to another server or database."""


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
    """An address by which a gallery is told from every other, without any password or token.

    ``shown``, where that does; otherwise with what it leaves out and yet leads elsewhere. Who connects
    does not: all users find the same gallery in the same database.
    """
    scheme, _, rest = location.partition("://")
    login, _, place = rest.rpartition("@")
    place, _, query = place.partition("?")
    # Names may be written in more than one way, which ``shown`` takes for something else.
    split = [part.partition("=") for part in query.split("&")]
    parts = [(name, unquote_plus(name), value) for name, _, value in split]
    hidden = [
        f"{name}={value}" for raw, name, value in parts if name in LEADING or (name in SHOWN and raw != name)
    ]
    names = {name for _, name, value in parts if value}
    if scheme == "postgresql" and not place.partition("/")[2] and not names & {"dbname", "service", "user"}:
        # Without a name the database is the one that is called as the user.
        hidden += [f"user={user}" for user in [login.partition(":")[0]] if user]
    return "&".join([shown(location), *hidden])


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
    if scheme not in ENGINES:
        raise UsageError(
            f"No gallery of the kind {scheme!r} is known.",
            hint=f"Give the path of a file, or an address: {', '.join(f'{name}://' for name in ENGINES)}.",
        )
    engine = ENGINES[scheme]
    try:
        opening: Opening = import_module(f"firstsight.gallery.{engine}").open_store
    except ModuleNotFoundError as error:
        raise UsageError(
            f"Galleries of the kind {scheme!r} need a client that is not installed ({error.name}).",
            hint=f"Install it: pip install 'firstsight[{engine}]'",
        ) from error
    return opening(str(location), contract, similarity=similarity, key=key)
