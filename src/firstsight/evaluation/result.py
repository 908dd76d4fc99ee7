"""The outcome of a protocol: figures with their intervals, and all that is needed to trust them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from firstsight.datasets import Archive
from firstsight.evaluation.bootstrap import Measure
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.models import Model


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Something to draw: a line, or a histogram's samples."""

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """One trial, to be looked at: a probe, what it was compared with, and the answer."""

    probe: str
    """Name in the archive."""
    support: tuple[str, ...]
    """Names in the archive; one picture, where a pair was compared."""
    scores: tuple[float, ...]
    """Similarity to each."""
    truth: int | None
    """Which of them is mated; None for none."""
    answer: int | None
    """Which of them was chosen; None for none."""

    @property
    def right(self) -> bool:
        """Whether the answer is the truth."""
        return self.truth == self.answer


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What a protocol measured."""

    protocol: str
    rule: str
    """The protocol's rule on outside data, and how we stand to it."""
    measures: Mapping[str, Measure]
    settings: Mapping[str, str | int | float | bool]
    provenance: Mapping[str, str | int | float | bool]
    curves: tuple[Curve, ...] = field(default=())
    examples: tuple[Example, ...] = field(default=())
    """The worst mistakes first; not in the JSON, for they name pictures."""
    archive: Archive | None = field(default=None)
    """Where the pictures of the examples are."""

    def to_json(self) -> str:
        """JSON; each measure by its plain name, with its value, interval and number of trials."""
        values = {
            "protocol": self.protocol,
            "rule": self.rule,
            **{name: asdict(found) for name, found in self.measures.items()},
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
        }
        return json.dumps(values, indent=2) + "\n"


def provenance(model: Model, data: str, digest: str, seed: int) -> dict[str, str | int | float | bool]:
    """What a figure depends on."""
    calibration = model.calibration
    return {
        "model": model.name,
        "model_digest": model.digest,
        "preprocessing": model.preprocessing.version,
        "mirrored": model.mirrored,
        "shifted": model.shifted,
        "engine": model.network.engine,
        "calibrated_on": str(calibration.provenance.get("data", "")) if calibration else "",
        "data": data,
        "data_digest": digest,
        "seed": seed,
        "machine": machine(),
        "made": moment(),
        **{f"version_{part}": version for part, version in versions().items()},
    }
