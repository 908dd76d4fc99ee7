"""The models that firstsight knows by name."""

from __future__ import annotations

from typing import Final

from firstsight.errors import UnknownModel
from firstsight.models.dlib_resnet import DLIB
from firstsight.models.model import Model
from firstsight.models.published import Published
from firstsight.models.sface import SFACE

DEFAULT: Final = SFACE.name
PUBLISHED: Final = (SFACE, DLIB)


def find_model(name: str = DEFAULT) -> Published:
    """What is known of a model, without reading its weights.

    Raises:
        UnknownModel: no model of that name.
    """
    for published in PUBLISHED:
        if published.name == name:
            return published
    raise UnknownModel(
        f"There is no model called {name!r}.",
        hint=f"Known models: {', '.join(published.name for published in PUBLISHED)}.",
    )


def open_model(name: str = DEFAULT) -> Model:
    """Open a model by name.

    Raises:
        UnknownModel: no model of that name.
        ModelMissing: its weights are not installed.
        ModelDamaged: its weights are not the published ones.
    """
    return find_model(name).open()
