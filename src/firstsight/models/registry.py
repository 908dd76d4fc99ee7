"""The models that firstsight knows by name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from firstsight.errors import UnknownModel
from firstsight.models.dlib_resnet import DLIB
from firstsight.models.file import ENDING, read_twin
from firstsight.models.model import Model
from firstsight.models.published import Published
from firstsight.models.sface import SFACE
from firstsight.models.shipped import Shipped

ONNX: Final = ".onnx"
DEFAULT: Final = SFACE.name
PUBLISHED: Final = (SFACE, DLIB)
SHIPPED: Final = (Shipped("omniglot-modern"), Shipped("lfw-only"), Shipped("faces-distilled"))
MODELS: Final[tuple[Published | Shipped, ...]] = (*PUBLISHED, *SHIPPED)
"""All models that are known by name."""


def find_model(name: str = DEFAULT) -> Published | Shipped:
    """What is known of a model, without reading its weights.

    Raises:
        UnknownModel: no model of that name.
    """
    for model in MODELS:
        if model.name == name:
            return model
    raise UnknownModel(
        f"There is no model called {name!r}.",
        hint=f"Known models: {', '.join(model.name for model in MODELS)}; of a model file, "
        f"name its path, NAME{ENDING} or NAME{ONNX}.",
    )


def open_model(name: str | Path = DEFAULT) -> Model:
    """Open a model by its name, or a model file by its path.

    Raises:
        UnknownModel: no model of that name.
        ModelMissing: its weights are not installed, or there is no such file.
        ModelDamaged: its weights are not the published ones, or the file is no model.
        UsageError: an ONNX file, and what runs it is not installed.
    """
    if str(name).endswith(ENDING):
        return read_twin(Path(name)).model()
    if str(name).endswith(ONNX):
        from firstsight.models.onnx_file import read_onnx

        return read_onnx(Path(name))
    return find_model(str(name)).open()
