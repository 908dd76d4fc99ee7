"""How a gallery is opened: the embedded one by its path, those on a server by their address."""

from __future__ import annotations

from pathlib import Path

from firstsight.errors import UsageError
from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.records import Contract
from firstsight.gallery.sqlite import SqliteStore
from firstsight.gallery.store import Store


def open_store(
    location: str | Path,
    contract: Contract | None = None,
    *,
    similarity: Similarity = inner_product,
    key: bytes | None = None,
) -> Store:
    """Open a gallery, or make one.

    Args:
        location: path of a SQLite file. Server engines will have URLs.
        contract: of the model to be used. Without one the gallery must exist; it can be listed and
            edited whatever made it.
        similarity: how that model compares.
        key: 32 bytes that embeddings and crops are encrypted with; by default those in
            ``FIRSTSIGHT_KEY``. A new gallery made with a key is encrypted, others are not.

    Raises:
        UsageError: an unknown kind of location.
        GalleryUnavailable, GalleryBusy, GalleryCorrupt, GalleryTooNew: it cannot be opened.
        GalleryLocked: it is encrypted with another key, or not encrypted although a key is given.
        ModelMismatch: it was made with another model.
    """
    if "://" in str(location):
        scheme = str(location).partition("://")[0]
        raise UsageError(f"No gallery of the kind {scheme!r} is known.", hint="Give the path of a file.")
    return SqliteStore(Path(location), contract, similarity=similarity, key=key)
