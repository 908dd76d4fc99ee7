"""Where the figures of a benchmark over LFW's photos come from."""

from __future__ import annotations

from firstsight.datasets import Identities
from firstsight.evaluation.provenance import machine, moment, versions


def origin(lfw: Identities, seed: int) -> dict[str, str | int]:
    """The default model, the photos, the seed, the machine and the versions."""
    return {
        "model": "sface",
        "data": lfw.archive.path.name,
        "data_digest": lfw.archive.digest(),
        "seed": seed,
        "machine": machine(),
        "made": moment(),
        **{f"version_{name}": value for name, value in versions().items()},
    }
