"""One client and one writer for each gallery that this process has open, however often."""

from __future__ import annotations

import atexit
import threading
from dataclasses import dataclass
from typing import Final

from firstsight.gallery.milvus.address import Address
from firstsight.gallery.milvus.connection import Connection
from firstsight.gallery.milvus.writer import Writer

_LOCK: Final = threading.Lock()
_OPEN: Final[dict[tuple[str, str, str], Shared]] = {}


@dataclass(slots=True)
class Shared:
    """What all handles on one gallery use."""

    connection: Connection
    writer: Writer
    handles: int = 0


def take(address: Address) -> Shared:
    """What is open of that gallery, or opened now; to be given back.

    Raises:
        GalleryUnavailable, GalleryBusy: it cannot be opened.
    """
    key = (address.uri, address.name, address.token)
    with _LOCK:
        if (shared := _OPEN.get(key)) is None:
            connection = Connection(address)
            shared = _OPEN[key] = Shared(connection, Writer(connection))
        shared.handles += 1
        return shared


def give_back(address: Address) -> None:
    """Close it, after the last handle."""
    key = (address.uri, address.name, address.token)
    with _LOCK:
        shared = _OPEN[key]
        shared.handles -= 1
        if not shared.handles:
            del _OPEN[key]
            shared.writer.end()
            shared.connection.close()


@atexit.register
def _end() -> None:
    """Let others write at once, also where handles were left open."""
    for shared in _OPEN.values():
        shared.writer.end()
