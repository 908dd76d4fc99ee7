"""A model as ONE file: weights, head, preprocessing, calibration and card, in safetensors.

The weights lie in the file as half-precision tensors; everything else is JSON in its header. What a
gallery remembers is the digest of the weights and of what is built from them: a model may be calibrated
anew without its templates becoming another's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from firstsight.errors import ModelDamaged, ModelMissing, NotCalibrated
from firstsight.files import write_whole
from firstsight.models.blueprint import Blueprint
from firstsight.models.calibration import Calibration
from firstsight.models.card import Card
from firstsight.models.model import Model, mark
from firstsight.models.preprocessing import Preprocessing
from firstsight.models.twin_network import head_of, network_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from firstsight.twins import Head

ENDING: Final = ".safetensors"
FORMAT: Final = 2
KEY: Final = "firstsight"
SUM: Final = "firstsight-sha256"
"""Where the header holds the sum of all that the file says; files of format 1 have none."""


@dataclass(frozen=True, eq=False)
class TwinFile:
    """Everything that is in the file."""

    name: str
    blueprint: Blueprint
    tensors: Mapping[str, NDArray[Any]]
    """``tower.*`` and ``head.*``."""
    preprocessing: Preprocessing
    card: Card
    calibration: Calibration | None = None
    identities: frozenset[str] = frozenset()
    """Marks of the identities that it was trained on."""
    validated: frozenset[str] = frozenset()
    """Marks of those that chose its checkpoint and calibrated it; files of earlier versions have none."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights and the blueprint; asked for by the file's sum and by its model."""
        whole = hashlib.sha256(json.dumps(asdict(self.blueprint), sort_keys=True).encode())
        for name in sorted(self.tensors):
            tensor = self.tensors[name]
            whole.update(f"{name} torch.{tensor.dtype} {tensor.shape}\n".encode())
            whole.update(tensor.tobytes())
        return whole.hexdigest()

    def model(self) -> Model:
        """The model, ready to embed.

        Raises:
            ModelDamaged: the weights do not fit the blueprint.
        """
        try:
            network = network_of(self.blueprint, self.tensors, self.preprocessing)
            head = head_of(self.blueprint, self.tensors)
        except (ValueError, RuntimeError, TypeError, KeyError) as error:
            raise ModelDamaged(
                f"The model {self.name} does not fit together ({error}).", hint="Get the file again."
            ) from error
        return Model(
            name=self.name,
            digest=self.digest,
            network=network,
            dimension=self.blueprint.dimension,
            preprocessing=self.preprocessing,
            card=self.card,
            calibration=self.calibration,
            head=head,
            identities=self.identities,
            validated=self.validated,
        )


def weights(tower: nn.Module, head: Head) -> dict[str, NDArray[Any]]:
    """The tensors of a twin as they lie in its file: half precision, where their values fit into it."""
    both = [("tower.", tower), ("head.", head)]
    return {
        f"{part}{name}": _halved(value)
        for part, module in both
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def _halved(value: Tensor) -> NDArray[Any]:
    """A copy."""
    array: NDArray[Any] = value.detach().cpu().contiguous().numpy()
    if array.dtype.kind != "f":
        return array.copy()
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    # What a batch norm has seen may be beyond 65504.
    return half if np.isfinite(half).all() else array.copy()


def write_twin(path: Path, twin: TwinFile) -> None:
    """Write a model file whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    header = {
        "format": FORMAT,
        "name": twin.name,
        "blueprint": asdict(twin.blueprint),
        "preprocessing": asdict(twin.preprocessing),
        "card": asdict(twin.card),
        "calibration": json.loads(twin.calibration.to_json()) if twin.calibration else None,
        "identities": sorted(twin.identities),
        "validated": sorted(twin.validated),
    }
    text = json.dumps(header)
    write_whole(path, save(dict(twin.tensors), {KEY: text, SUM: _sum(text, twin)}))


def read_twin(path: Path) -> TwinFile:
    """Read a model file.

    Raises:
        ModelMissing: there is none.
        ModelDamaged: it is none, or of a later version.
    """
    if not path.is_file():
        raise ModelMissing(f"There is no model file {path}.", hint="Check the path, or train one.")
    try:
        with safe_open(path, framework="np") as opened:
            noted = opened.metadata()
            header: dict[str, Any] = json.loads(noted[KEY])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - no mapping
        if header["format"] not in (1, FORMAT):
            raise ModelDamaged(
                f"{path} is a model file of format {header['format']}; this version reads 1 to {FORMAT}.",
                hint="Update firstsight.",
            )
        found = header["calibration"]
        twin = TwinFile(
            name=header["name"],
            blueprint=Blueprint(**header["blueprint"]),
            tensors=tensors,
            preprocessing=Preprocessing.of(header["preprocessing"]),
            card=Card(**header["card"]),
            calibration=Calibration.from_json(json.dumps(found)) if found else None,
            identities=frozenset(header.get("identities", ())),
            validated=frozenset(header.get("validated", ())),
        )
        if header["format"] > 1 and noted.get(SUM) != _sum(noted[KEY], twin):
            raise ModelDamaged(f"{path} is damaged: its sum is another.", hint="Get it again.")
        return twin
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, NotCalibrated) as error:
        raise ModelDamaged(
            f"{path} is no model file ({error!r}).", hint="Get it again, or train one."
        ) from error


def _sum(header: str, twin: TwinFile) -> str:
    """SHA-256 of the header's text and of the weights: one bit elsewhere, and it is another."""
    return hashlib.sha256(f"{twin.digest}\n{header}".encode()).hexdigest()


def calibrated(
    twin: TwinFile, calibration: Calibration, identities: Collection[str] = frozenset()
) -> TwinFile:
    """The same model with its calibration.

    Args:
        twin: the model.
        calibration: replaces the one that it had.
        identities: names of those that it was made on, as far as the model does not know them: it keeps
            their marks, for thresholds say nothing when they are tried on whom they were made on.
    """
    return replace(twin, calibration=calibration, validated=twin.validated | frozenset(map(mark, identities)))
