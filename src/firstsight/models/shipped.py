"""A twin of ours that ships with the package, as one model file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path

from firstsight.models.calibration import Calibration
from firstsight.models.card import Card
from firstsight.models.figures import Figures, figures_of
from firstsight.models.file import ENDING, TwinFile, read_twin
from firstsight.models.model import Model


@dataclass(frozen=True)
class Shipped:
    """What is known of a shipped twin; its file is read when it is first asked."""

    name: str

    @cached_property
    def file(self) -> TwinFile:
        """Everything in its file.

        Raises:
            ModelMissing, ModelDamaged: the file.
        """
        place = resources.files("firstsight.models") / "twins" / f"{self.name}{ENDING}"
        with resources.as_file(place) as path:
            return read_twin(Path(path))

    @property
    def card(self) -> Card:
        """Origin, terms and limits."""
        return self.file.card

    @property
    def dimension(self) -> int:
        """Of its templates."""
        return self.file.blueprint.dimension

    @property
    def digest(self) -> str:
        """What its templates are known by."""
        return self.file.digest

    @property
    def installed(self) -> bool:
        """Always: it is part of the package."""
        return True

    @property
    def install(self) -> str:
        """Nothing is to be done."""
        return ""

    def calibration(self) -> Calibration | None:
        """The one in its file, if there is one."""
        return self.file.calibration

    def figures(self) -> Figures:
        """What was measured of it."""
        return figures_of(self.name)

    def open(self) -> Model:
        """The model, ready to embed.

        Raises:
            ModelMissing, ModelDamaged: the file.
        """
        return self.file.model()
