"""An ONNX file that ``firstsight export`` wrote, opened as a model again.

Onnxruntime runs it, without torch. What the file says of itself is in its metadata; the sum there is of the
graph, and one bit elsewhere makes it another.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import onnx
from google.protobuf.message import DecodeError

from firstsight.errors import ModelDamaged, ModelMissing, NotCalibrated, UsageError
from firstsight.models.calibration import Calibration
from firstsight.models.card import Card
from firstsight.models.model import Model
from firstsight.models.onnx_network import OnnxNetwork, Session
from firstsight.models.preprocessing import Preprocessing

KEY: Final = "firstsight"
SUM: Final = "firstsight-sha256"
INPUT: Final = "crops"
OUTPUT: Final = "templates"
COSINE: Final = "cosine"


def about(model: Model) -> dict[str, Any]:
    """What a program that runs the graph has to know of the model."""
    return {
        "name": model.name,
        "digest": model.digest,
        "dimension": model.dimension,
        "head": COSINE if model.head is None else type(model.head).__name__.lower(),
        "preprocessing": asdict(model.preprocessing),
        "card": asdict(model.card),
        "calibration": json.loads(model.calibration.to_json()) if model.calibration else None,
        "identities": sorted(model.identities),
    }


def sum_of(program: onnx.ModelProto, told: str) -> str:
    """SHA-256 of a graph and of what is told of it."""
    whole = hashlib.sha256(told.encode())
    whole.update(program.graph.SerializeToString(deterministic=True))
    return whole.hexdigest()


def read_onnx(path: Path) -> Model:
    """Open an exported model.

    Its views (mirrored, shifted) are part of the graph.

    Raises:
        ModelMissing: there is no such file.
        ModelDamaged: it is none of ours, or not as it was written.
        UsageError: onnxruntime is missing, or the twin compares in another way than by the cosine.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelMissing(
            f"{path} cannot be read ({error.strerror or error}).", hint="Check the path, or export it."
        ) from error
    try:
        program = onnx.load_from_string(content)
        noted = {entry.key: entry.value for entry in program.metadata_props}
        told: dict[str, Any] = json.loads(noted[KEY])
        digest = sum_of(program, noted[KEY])
        if noted[SUM] != digest:
            raise ModelDamaged(f"{path} is damaged: its sum is another.", hint="Export it again.")
        seen = Preprocessing.of(told["preprocessing"])
        found, head = told["calibration"], told["head"]
        card, calibration = Card(**told["card"]), Calibration.from_json(json.dumps(found)) if found else None
        name, dimension, marks = told["name"], told["dimension"], frozenset(told["identities"])
    except (DecodeError, ValueError, KeyError, TypeError, AttributeError, NotCalibrated) as error:
        raise ModelDamaged(
            f"{path} is no model that firstsight exported ({error!r}).", hint="Export it again."
        ) from error
    if head != COSINE:
        raise UsageError(
            f"{path} is of a twin that compares by {head}, which is not in the graph.",
            hint="Use its model file.",
        )
    return Model(
        name=name,
        digest=digest,
        network=OnnxNetwork(Session(content), INPUT),
        dimension=dimension,
        preprocessing=replace(seen, mirrored=False, shifted=0),
        card=card,
        calibration=calibration,
        identities=marks,
    )
