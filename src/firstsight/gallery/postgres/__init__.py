"""The gallery on a PostgreSQL server, searched there by pgvector or, where that cannot compare, in memory."""

from __future__ import annotations

from firstsight.gallery.index import Similarity
from firstsight.gallery.postgres.address import read_address
from firstsight.gallery.postgres.store import PostgresStore
from firstsight.gallery.records import Contract

__all__ = ["PostgresStore", "open_store"]


def open_store(
    address: str, contract: Contract | None, *, similarity: Similarity, key: bytes | None
) -> PostgresStore:
    """Open the gallery at ``postgresql://user:password@host:port/database?gallery=NAME``, or make it.

    Without ``gallery`` it is the one called "people". Any other key of the query is libpq's:
    ``sslmode``, ``host`` (of a socket), ``connect_timeout``. What the address leaves out, libpq takes
    from its own environment (PGUSER, PGPASSWORD, PGSERVICE) and from the user's password file.

    Raises:
        UsageError: an address that cannot be read.
        GalleryError: see ``opening.open_store``.
    """
    return PostgresStore(read_address(address), contract, similarity=similarity, key=key)
