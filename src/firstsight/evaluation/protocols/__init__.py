"""The published protocols, from pictures to figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from firstsight.datasets import Archive
from firstsight.errors import DataError, UsageError
from firstsight.evaluation.embedding import Progress, embed_pictures
from firstsight.evaluation.protocols import folder, lfw, omniglot, robustness
from firstsight.evaluation.protocols.protocol import Protocol
from firstsight.evaluation.result import Result
from firstsight.models import Calibration, Model

PROTOCOLS: Final[dict[str, Protocol[Any]]] = {
    **omniglot.PROTOCOLS,
    **lfw.PROTOCOLS,
    **robustness.PROTOCOLS,
    **folder.PROTOCOLS,
}

DEVELOPED: Final = "It was chosen by the people of these pairs, which are there to develop on."
"""What the rule of a result says besides, where who is tested validated in the model's training."""


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
        UsageError: an unknown protocol, or it tries thresholds of the model that were made on these pictures.
        DataError: the data are not as published, or hold identities that the model was trained on, or was
            chosen by and is not to be.
        NotCalibrated: ``open-set`` asks the model's calibration for a rate that it does not reach.
    """
    if protocol not in PROTOCOLS:
        raise UsageError(f"There is no protocol {protocol!r}.", hint=f"Known: {', '.join(PROTOCOLS)}.")
    chosen = PROTOCOLS[protocol]
    data = chosen.open(path)
    if known := model.trained_on(chosen.identities(data)):
        raise DataError(
            f"{model.name} was trained on {len(known)} of the identities of {path}, like {min(known)}.",
            hint="Take other data, or a model that has not seen them. Identities are told by their names: if "
            "these are others of the same names, rename their folders.",
        )
    deciding = model.chosen_by((chosen.tested or chosen.identities)(data))
    if deciding and not chosen.developing:
        raise DataError(
            f"{model.name} was chosen by {len(deciding)} of the identities of {protocol}, like "
            f"{min(deciding)}: they validated in its training or made its thresholds, and the figures would "
            "be too good.",
            hint="Take another protocol, or a model that others validated and calibrated.",
        )
    archive, names = chosen.pictures(data)
    if chosen.thresholds and _made_on(archive, model.calibration):
        raise UsageError(
            f"The thresholds of {model.name} were made on the pictures of {archive.path}: tried on the same, "
            "they would look better than they are.",
            hint="Calibrate it on others, or take a protocol that asks for no threshold.",
        )
    templates = embed_pictures(model, archive, names, progress=progress)
    measured = chosen.measure(model, data, templates, seed)
    return replace(measured, rule=f"{measured.rule} {DEVELOPED}") if deciding else measured


def _made_on(archive: Archive, calibration: Calibration | None) -> bool:
    """Whether thresholds come from that data set.

    An exported file or a published model keeps no marks of those that it was calibrated on.
    """
    # Versions before told data apart by the very paths in them.
    known = (archive.digest(), archive.listing())
    return calibration is not None and calibration.provenance.get("data_digest") in known
