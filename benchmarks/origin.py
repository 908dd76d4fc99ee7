"""Where the figures of a benchmark come from."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from firstsight.datasets import Identities
from firstsight.evaluation.provenance import machine, moment, versions


def origin(lfw: Identities, seed: int, peers: Iterable[str] = ()) -> dict[str, str | int]:
    """The default model, the photos, the seed, the machine and the versions, also those of the peers."""
    data = {"model": "sface", "data": lfw.archive.path.name, "data_digest": lfw.archive.digest()}
    return data | made(seed, peers)


def made(seed: int, peers: Iterable[str] = ()) -> dict[str, str | int]:
    """The seed, the machine, the moment and the versions, where there are no photos."""
    return {
        "seed": seed,
        "machine": machine(),
        "made": moment(),
        **{f"version_{name}": value for name, value in versions().items()},
        **{f"version_{name}": metadata.version(name) for name in peers},
    }
