"""Galleries in Milvus, the distributed vector database."""

from __future__ import annotations

from firstsight.gallery.index import Similarity, inner_product
from firstsight.gallery.milvus.address import read_address
from firstsight.gallery.milvus.store import MilvusStore
from firstsight.gallery.records import Contract
from firstsight.gallery.store import Store

__all__ = ["MilvusStore", "open_store"]


def open_store(
    address: str,
    contract: Contract | None = None,
    *,
    similarity: Similarity = inner_product,
    key: bytes | None = None,
) -> Store:
    """Open a gallery by its address; see ``gallery.open_store``, and ``address`` for what may stand in it.

    Raises:
        GalleryLocked: a key is given; what the server compares cannot be encrypted.
        UsageError: a model that does not compare by the inner product, or another index than there is.
    """
    return MilvusStore(read_address(address), contract, similarity=similarity, key=key)
