"""An ONNX file that ``firstsight export`` wrote, opened as a model again.

Onnxruntime runs it, without torch. What the file says of itself is in its metadata; the sum there is of all
that it says, and one bit elsewhere makes it another. What a gallery remembers is the digest of what makes
templates, the graph and what it is given: exported anew with other thresholds, it is the same model.
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
FORMAT: Final = 2
"""Files of format 1 do not tell it; they are known by their sum, for galleries were made with them so."""
INPUT: Final = "crops"
OUTPUT: Final = "templates"
COSINE: Final = "cosine"


def about(model: Model) -> dict[str, Any]:
    """What a program that runs the graph has to know of the model."""
    return {
        "format": FORMAT,
        "name": model.name,
        "digest": model.digest,
        "dimension": model.dimension,
        "head": COSINE if model.head is None else type(model.head).__name__.lower(),
        "preprocessing": asdict(model.preprocessing),
        "card": asdict(model.card),
        "calibration": json.loads(model.calibration.to_json()) if model.calibration else None,
        "identities": sorted(model.identities),
        "validated": sorted(model.validated),
    }


def digest_of(program: onnx.ModelProto, seen: Preprocessing) -> str:
    """SHA-256 of what makes templates: the graph, how its operators are meant, and the crops it is given."""
    whole = hashlib.sha256(json.dumps(asdict(seen), sort_keys=True).encode())
    for part in (*program.opset_import, *program.functions, program.graph):
        whole.update(part.SerializeToString(deterministic=True))
    return whole.hexdigest()


def sum_of(digest: str, told: str) -> str:
    """SHA-256 of a model, by its digest, and of all that is told of it."""
    return hashlib.sha256(f"{digest}\n{told}".encode()).hexdigest()


def _first_sum(program: onnx.ModelProto, told: str) -> str:
    """The sum of a file of format 1, of the graph and all that is told of it."""
    whole = hashlib.sha256(told.encode())
    whole.update(program.graph.SerializeToString(deterministic=True))
    return whole.hexdigest()


def read_onnx(path: Path) -> Model:
    """Open an exported model.

    Its views (mirrored, shifted) are part of the graph: they are not taken again, and the model tells them;
    none can be added, for the graph ends in templates of unit length.
    Thresholds of other views, which files of format 1 may hold, are left out.

    Raises:
        ModelMissing: there is no such file.
        ModelDamaged: it is none of ours, or not as it was written, or onnxruntime cannot run it.
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
        made = told.get("format", 1)
        if made not in (1, FORMAT):
            raise ModelDamaged(
                f"{path} is an exported model of format {made}; this version reads 1 to {FORMAT}.",
                hint="Update firstsight.",
            )
        seen = Preprocessing.of(told["preprocessing"])
        digest = _first_sum(program, noted[KEY]) if made == 1 else digest_of(program, seen)
        if noted[SUM] != (digest if made == 1 else sum_of(digest, noted[KEY])):
            raise ModelDamaged(f"{path} is damaged: its sum is another.", hint="Export it again.")
        found, head = told["calibration"], told["head"]
        card, calibration = Card(**told["card"]), Calibration.from_json(json.dumps(found)) if found else None
        name, dimension, marks = told["name"], told["dimension"], frozenset(told["identities"])
        validated = frozenset(told.get("validated", ()))
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
        network=OnnxNetwork(_session(path, content), INPUT),
        dimension=dimension,
        preprocessing=replace(seen, mirrored=False, shifted=0),
        card=card,
        calibration=calibration if calibration and calibration.made_for(seen) else None,
        identities=marks,
        validated=validated,
        graph_mirrored=seen.mirrored,
        graph_shifted=seen.shifted,
        graph_whole=True,
    )


def _session(path: Path, content: bytes) -> Session:
    """What runs the graph.

    Raises:
        ModelDamaged: onnxruntime refuses it. The sum does not cover the version of the file's own form, which
            may be a later one than this onnxruntime knows.
        UsageError: onnxruntime is missing.
    """
    try:
        return Session(content)
    except (UsageError, MemoryError):
        raise
    except Exception as error:  # onnxruntime's have no root of their own
        raise ModelDamaged(
            f"{path} cannot be run by onnxruntime ({error}).",
            hint="Export it again, or update onnxruntime: pip install --upgrade onnxruntime",
        ) from error
