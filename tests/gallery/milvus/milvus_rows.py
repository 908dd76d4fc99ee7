"""What lies in Milvus of a gallery, seen or not."""

from __future__ import annotations

from firstsight.gallery import Store
from firstsight.gallery.milvus import MilvusStore, header
from firstsight.gallery.milvus.layout import CROPS, PARTS


def rows(store: Store) -> dict[str, list[int]]:
    """Numbers of the rows of each kind; of crops those of their templates."""
    assert isinstance(store, MilvusStore)
    connection, moment = store._connection, store._connection.moment()
    found = header.read_header(connection, moment)
    assert found
    names = found.names(connection.address.name)

    def numbers(collection: str, filter_: str = "pk >= 0") -> list[int]:
        return sorted(row["pk"] for row in connection.query(collection, filter_, ("pk",), moment))

    return {
        "changes": numbers(names.people),
        "templates": numbers(names.templates),
        "crops": sorted({(row - CROPS) // PARTS for row in numbers(names.root, f"pk >= {CROPS}")}),
        "leases": numbers(names.root, "pk < 0"),
    }
