"""The published protocols, from pictures to figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from firstsight.errors import DataError, UsageError
from firstsight.evaluation.embedding import Progress, embed_pictures
from firstsight.evaluation.protocols import folder, lfw, omniglot, robustness
from firstsight.evaluation.protocols.protocol import Protocol
from firstsight.evaluation.result import Result
from firstsight.models import Model

PROTOCOLS: Final[dict[str, Protocol[Any]]] = {
    **omniglot.PROTOCOLS,
    **lfw.PROTOCOLS,
    **robustness.PROTOCOLS,
    **folder.PROTOCOLS,
}


def evaluate(
    model: Model, protocol: str, path: Path, *, seed: int = 0, progress: Progress | None = None
) -> Result:
    """Run a protocol on a data set's pictures, decoding, detection and alignment included.

    Args:
        model: the model.
        protocol: one of ``PROTOCOLS``.
        path: the data set as published.
        seed: of draws and intervals.
        progress: called with the number of pictures embedded and in all.

    Raises:
        UsageError: an unknown protocol.
        DataError: the data are not as published, or hold identities that the model was trained on.
        NotCalibrated: ``open-set`` needs a threshold.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"There is no protocol {protocol!r}.", hint=f"Known: {', '.join(PROTOCOLS)}.")
    chosen = PROTOCOLS[protocol]
    data = chosen.open(path)
    if known := model.trained_on(chosen.identities(data)):
        raise DataError(
            f"{model.name} was trained on {len(known)} of the identities of {protocol}, like {min(known)}.",
            hint="Take another protocol, or a model that has not seen them.",
        )
    archive, names = chosen.pictures(data)
    templates = embed_pictures(model, archive, names, progress=progress)
    return chosen.measure(model, data, templates, seed)
