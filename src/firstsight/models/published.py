"""A model that others trained and published: its file, terms and reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from firstsight.carriers import PublishedFile
from firstsight.models.calibration import Calibration
from firstsight.models.card import Card
from firstsight.models.figures import Figures, figures_of
from firstsight.models.model import Model
from firstsight.models.network import Network
from firstsight.models.preprocessing import Preprocessing


@dataclass(frozen=True, slots=True)
class Published:
    """What is known of a published model before its weights are read."""

    name: str
    file: PublishedFile
    card: Card
    preprocessing: Preprocessing
    dimension: int
    load: Callable[[bytes], Network]
    """Makes what runs it from the bytes of the file."""

    def calibration(self) -> Calibration | None:
        """The calibration that ships for this model, if one does.

        Raises:
            NotCalibrated: the shipped file is damaged, or belongs to other weights.
        """
        shipped = resources.files("firstsight.models") / "calibrations" / f"{self.name}.json"
        return Calibration.from_json(shipped.read_text("utf-8")) if shipped.is_file() else None

    def figures(self) -> Figures:
        """What was measured of it."""
        return figures_of(self.name)

    @property
    def digest(self) -> str:
        """What its templates are known by."""
        return self.file.sha256

    @property
    def install(self) -> str:
        """The command that installs its weights."""
        return self.file.install

    @property
    def installed(self) -> bool:
        """Whether its weights are there."""
        return self.file.installed()

    def open(self) -> Model:
        """Read and check the weights.

        Raises:
            ModelMissing, ModelDamaged: the weights.
        """
        return Model(
            name=self.name,
            digest=self.digest,
            network=self.load(self.file.read()),
            dimension=self.dimension,
            preprocessing=self.preprocessing,
            card=self.card,
            calibration=self.calibration(),
        )
