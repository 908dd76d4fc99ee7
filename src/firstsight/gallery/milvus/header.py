"""Which model made a gallery in Milvus, and how one comes to be there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from firstsight.errors import GalleryCorrupt, GalleryMissing, GalleryTooNew, UsageError
from firstsight.gallery.milvus.address import Address
from firstsight.gallery.milvus.connection import CollectionMissing, Connection, Row
from firstsight.gallery.milvus.layout import (
    BEACONS,
    BLANK,
    CHANGE_FIELDS,
    CROPS,
    ROOT_FIELDS,
    TEMPLATE_FIELDS,
    Names,
)
from firstsight.gallery.records import Contract

SCHEMA: Final = 1
"""Version of the layout."""
FLAT: Final[dict[str, Any]] = {"index_type": "FLAT", "params": {}}
HNSW: Final[dict[str, Any]] = {"index_type": "HNSW", "params": {"M": 16, "efConstruction": 200}}


@dataclass(frozen=True, slots=True)
class Header:
    """What the root says of the gallery."""

    generation: int
    """How many models it had."""
    contract: Contract
    index: str
    beacon: int
    """A change; those before it need not be looked at to find the newest."""

    def names(self, gallery: str) -> Names:
        """Of the collections in use."""
        return Names.of(gallery, self.generation)


def make_root(connection: Connection) -> None:
    """Make the root, unless it is there."""
    connection.make(connection.address.name, ROOT_FIELDS, len(BLANK), FLAT)


def make_collections(connection: Connection, names: Names, contract: Contract, index: str) -> None:
    """Make those of one model, unless they are there."""
    connection.make(names.people, CHANGE_FIELDS, len(BLANK), FLAT)
    connection.make(names.templates, TEMPLATE_FIELDS, contract.dimension, HNSW if index == "hnsw" else FLAT)


def write_header(
    connection: Connection, contract: Contract, generation: int, index: str, last_change: int
) -> None:
    """Note which model the gallery is of from now on; the moment at which it is."""
    root = connection.address.name
    body = json.dumps({"schema": SCHEMA, "index": index, "contract": asdict(contract)})
    connection.insert(root, [{"pk": generation, "body": body, "vector": BLANK}])
    connection.delete(root, list(range(1, generation)))
    # Only now: the model before may have no change that is so late.
    write_beacon(connection, last_change, ())


def write_beacon(connection: Connection, change: int, older: tuple[int, ...]) -> None:
    """Note that a change was made, so that those before it need not be looked at."""
    root = connection.address.name
    connection.insert(root, [{"pk": BEACONS + change, "body": "", "vector": BLANK}])
    connection.delete(root, [BEACONS + each for each in older])


def read_header(connection: Connection, moment: int) -> Header | None:
    """What the root says; None where there is no gallery.

    Raises:
        GalleryCorrupt, GalleryTooNew: it says something else.
    """
    try:
        rows = connection.query(connection.address.name, f"pk > 0 and pk < {CROPS}", ("pk", "body"), moment)
    except CollectionMissing:
        return None
    return header_of(connection.address, rows)


def header_of(address: Address, rows: list[Row]) -> Header | None:
    """The header, from rows of the root."""
    headers = [row for row in rows if 0 < row["pk"] < BEACONS]
    if not headers:
        return None
    newest = max(headers, key=lambda row: int(row["pk"]))
    try:
        body = json.loads(newest["body"])
        if body["schema"] > SCHEMA:
            raise GalleryTooNew(
                f"{address.shown} was written by a later version of firstsight.",
                hint="Upgrade firstsight.",
            )
        contract = Contract(**body["contract"])
        index = str(body["index"])
    except (ValueError, KeyError, TypeError) as error:
        raise GalleryCorrupt(
            f"{address.shown} is a collection of something else.", hint="Name another gallery."
        ) from error
    beacons = beacons_of(rows)
    return Header(int(newest["pk"]), contract, index, max(beacons, default=0))


def beacons_of(rows: list[Row]) -> list[int]:
    """Changes that are noted in rows of the root."""
    return [int(row["pk"]) - BEACONS for row in rows if BEACONS <= row["pk"] < CROPS]


def check_index(address: Address, held: str) -> None:
    """Refuse another index than the gallery has.

    Raises:
        UsageError: it was asked for.
    """
    if address.index not in (None, held):
        raise UsageError(
            f"{address.shown} has the index {held}, not {address.index}.",
            hint="Leave index= out, or copy the gallery to a new one: firstsight gallery copy",
        )


def missing(address: Address) -> GalleryMissing:
    """The error of a gallery that is not there."""
    return GalleryMissing(
        f"There is no gallery at {address.shown}.",
        hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
    )
