"""The calls that we make of Milvus: bounded in time, tried again, with errors for people."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any, Final

import grpc
from pymilvus import DataType, MilvusClient, MilvusException

from firstsight.errors import GalleryBusy, GalleryError, GalleryUnavailable, UsageError
from firstsight.gallery.milvus.address import Address

PATIENCE: Final = 15.0
"""Seconds in which a call is tried again, after pauses that double."""
PAUSE: Final = 0.05
LONGEST_PAUSE: Final = 2.0
"""Seconds between two tries."""
MISSING: Final = 100
"""Milvus's code of a collection that is not there."""
TEXT: Final = 65_535
"""Bytes of Milvus's longest text."""
AT_A_TIME: Final = 1000
"""Rows asked for or removed by number in one call."""

Row = dict[str, Any]

for _logger in ("pymilvus", "milvus_lite"):
    # They write whole stack traces to standard error; what matters comes as our errors.
    if logging.getLogger(_logger).level in (logging.NOTSET, logging.WARNING):
        logging.getLogger(_logger).setLevel(logging.CRITICAL)


class CollectionMissing(Exception):
    """A collection was dropped meanwhile: the gallery was moved to another model, or removed."""


class Connection:
    """One client of one server. For any number of threads."""

    def __init__(self, address: Address) -> None:
        """Connect.

        Raises:
            GalleryUnavailable: the server is away, or refuses us.
            GalleryBusy: another process has the Milvus Lite file open.
            UsageError: Milvus Lite is not installed.
        """
        self.address = address
        if address.path is not None and find_spec("milvus_lite") is None:
            raise UsageError(
                "Galleries in a file of Milvus Lite need it, and it is not installed.",
                hint="Install it: pip install 'pymilvus[milvus-lite]'",
            )
        try:
            self._client = MilvusClient(
                address.uri, token=address.token, timeout=PATIENCE, dedicated=address.path is None
            )
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError) as error:
            if address.path is not None:
                raise GalleryBusy(
                    f"The Milvus Lite file {address.path} cannot be opened.",
                    hint="One process at a time can; close the other, or check the folder.",
                ) from error
            raise self._translated(error) from error
        self._closed = False
        version = str(self._patiently(lambda left: self._client.get_server_version(timeout=left)))
        self._clockless = version.startswith("milvus_lite")

    def moment(self) -> int:
        """The server's clock now: what was acknowledged until now has an earlier time; 0 in Milvus Lite."""
        if self._clockless:
            return 0
        handler = self._client._handler
        return int(
            self._patiently(
                lambda left: handler.alloc_timestamp(
                    timeout=left, context=self._client._generate_call_context()
                )
            )
        )

    def query(self, collection: str, filter_: str, fields: Sequence[str], moment: int) -> list[Row]:
        """All rows that fit, each once, of a state that is at least of that moment."""
        rows = self._patiently(
            lambda left: self._client.query(
                collection, filter=filter_, output_fields=list(fields), timeout=left, **_since(moment)
            )
        )
        return list({row["pk"]: dict(row) for row in rows}.values())

    def search(
        self,
        collection: str,
        probes: Sequence[Any],
        limit: int,
        fields: Sequence[str],
        moment: int,
        parameters: Mapping[str, object],
        filter_: str = "",
    ) -> list[list[tuple[float, Row]]]:
        """For each probe the rows that are most alike, best first, with their similarity."""
        found = self._patiently(
            lambda left: self._client.search(
                collection,
                data=list(probes),
                filter=filter_,
                limit=limit,
                output_fields=list(fields),
                search_params={"metric_type": "IP", "params": dict(parameters)},
                timeout=left,
                **_since(moment),
            )
        )
        return [[(float(hit["distance"]), dict(hit["entity"])) for hit in hits] for hits in found]

    def insert(self, collection: str, rows: Sequence[Row]) -> None:
        """Add rows; acknowledged, they are in the server's log."""
        if rows:
            self._patiently(lambda left: self._client.insert(collection, list(rows), timeout=left))

    def delete(self, collection: str, numbers: Sequence[int]) -> None:
        """Remove the rows of these numbers, as far as they are there."""
        for start in range(0, len(numbers), AT_A_TIME):
            part = numbers[start : start + AT_A_TIME]
            expression = f"pk in {list(part)}"
            self._patiently(
                lambda left, each=expression: self._client.delete(collection, filter=each, timeout=left)
            )

    def collections(self) -> list[str]:
        """Names of all collections."""
        return list(self._patiently(lambda left: self._client.list_collections(timeout=left)))

    def make(
        self, collection: str, fields: Mapping[str, int | None], dimension: int, index: Mapping[str, Any]
    ) -> None:
        """Make a collection and load it, unless it is there.

        Args:
            collection: its name.
            fields: 64-bit numbers (None) or texts of so many bytes, beside the key ``pk``.
            dimension: of its ``vector``.
            index: of it, as Milvus has it.
        """
        if not self._patiently(lambda left: self._client.has_collection(collection, timeout=left)):
            schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("pk", DataType.INT64, is_primary=True)
            for name, longest in fields.items():
                if longest is None:
                    schema.add_field(name, DataType.INT64)
                else:
                    schema.add_field(name, DataType.VARCHAR, max_length=longest)
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
            # One shard, so that rows come into the log in the order in which they were given.
            self._patiently(
                lambda left: self._client.create_collection(
                    collection,
                    schema=schema,
                    num_shards=1,
                    consistency_level="Strong",
                    timeout=left,
                )
            )
        if not self._patiently(lambda left: self._client.list_indexes(collection, timeout=left)):
            parameters = self._client.prepare_index_params()
            parameters.add_index("vector", metric_type="IP", **index)
            # Nothing is in it yet, so there is nothing to wait for.
            self._patiently(
                lambda left: self._client.create_index(collection, parameters, timeout=left, sync=False)
            )
        self.load(collection)

    def load(self, collection: str) -> None:
        """See that a collection can be queried."""
        self._patiently(lambda left: self._client.load_collection(collection, timeout=left))

    def drop(self, collection: str) -> None:
        """Remove a collection, if it is there."""
        self._patiently(lambda left: self._client.drop_collection(collection, timeout=left))

    def tidy(self, collection: str, *, compact: bool) -> None:
        """Ask for rows to be written out, and for the space of removed ones; both may be refused."""
        with suppress(MilvusException, grpc.RpcError, grpc.FutureTimeoutError):
            self._client.flush(collection, timeout=PATIENCE)
            if compact:
                self._client.compact(collection, timeout=PATIENCE)

    def close(self) -> None:
        """Close the client, and stop Milvus Lite."""
        self._closed = True
        self._client.close()
        if self.address.path is not None:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(self.address.uri)

    def _patiently(self, call: Any) -> Any:
        """What a call gives, which is told how many seconds it has; tried again while that may help."""
        if self._closed:
            raise GalleryUnavailable(f"The gallery {self.address.shown} was closed.", hint="Open it again.")
        until, pause = time.monotonic() + PATIENCE, PAUSE
        while True:
            try:
                return call(max(1.0, until - time.monotonic()))
            except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError) as error:
                if getattr(error, "code", None) == MISSING:
                    raise CollectionMissing from error
                if not _may_pass(error) or time.monotonic() + pause > until:
                    raise self._translated(error) from error
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _translated(self, error: Exception) -> GalleryError:
        """What an error of Milvus's means. Its text is left out: it may quote what was asked."""
        shown = self.address.shown
        if _refused(error):
            return GalleryUnavailable(
                f"The Milvus server of {shown} refuses us.",
                hint="Check user and password: milvus://USER:PASSWORD@host:port/name",
            )
        if _may_pass(error):
            return GalleryUnavailable(
                f"The Milvus server of {shown} does not answer; we tried for {PATIENCE:.0f} seconds.",
                hint="Check that it runs and can be reached; what was acknowledged is kept.",
            )
        return GalleryUnavailable(
            f"The Milvus server of {shown} cannot do what we asked ({_code(error)}).",
            hint="See the server's log.",
        )


def _since(moment: int) -> dict[str, Any]:
    if not moment:
        return {"consistency_level": "Strong"}
    return {"consistency_level": "Customized", "guarantee_timestamp": moment}


def _code(error: Exception) -> str:
    code = getattr(error, "code", None)
    return f"code {code() if callable(code) else code}"


def _refused(error: Exception) -> bool:
    """Whether it is about who we are."""
    code = getattr(error, "code", None)
    if callable(code):
        code = code()
    return code in (
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        *range(1400, 1500),
    ) or "auth check failure" in str(error)


def _may_pass(error: Exception) -> bool:
    """Whether the same call may do later: the server is away, starting, or has too much to do."""
    if _refused(error):
        return False
    if isinstance(error, MilvusException):
        code = error.code
        # 1100 to 1199 are calls that cannot be meant; a client's own checks have no code of a server's.
        return not (isinstance(code, int) and 1100 <= code < 1200) and not error.is_input_error
    return True
