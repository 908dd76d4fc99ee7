"""A model's calibration: which similarity stands for which error rate, and how strong it is as evidence.

Plain data, computed once by ``firstsight calibrate`` on people who take part in no test, and shipped
with the package.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from firstsight.errors import NotCalibrated
from firstsight.models.preprocessing import Preprocessing

LEAST_FALSE: Final = 30
"""False matches that a rate must stand for to be read off: the rule of 30 (Doddington et al. 2000)."""
Knots = tuple[tuple[float, float], ...]
"""Points of a monotone, piecewise linear function, by rising first coordinate."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A stated false match rate, and what it took to reach it."""

    fmr: float
    threshold: float
    """Two faces at or above this similarity are called the same person."""
    low: float
    high: float
    """95 % interval of the threshold, bootstrap over people."""
    fnmr: float
    """False non-match rate at that threshold, on the people of the calibration."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds and evidence of one model."""

    points: tuple[OperatingPoint, ...]
    """At FMR 1e-2, 1e-3 and 1e-4."""
    tail: Knots
    """(log10 FMR, threshold): the thresholds between and beyond the points."""
    evidence: Knots
    """(similarity, log10 of the likelihood ratio)."""
    provenance: Mapping[str, str | int | float | bool] = field(hash=False)
    """Data and model with their digests, numbers of people and pairs, seed, versions, machine, time."""

    @property
    def measured(self) -> float:
        """The lowest false match rate that was read off the data; lower ones continue the curve."""
        return float(self.provenance.get("rates_below_are_extrapolated", self.lowest))

    @property
    def lowest(self) -> float:
        """The lowest rate that there is a threshold for."""
        return float(10 ** self.tail[0][0])

    def standing(self) -> dict[str, str | int | float | bool]:
        """What the thresholds rest on: whom, how many pairs, and down to which rate."""
        people = int(self.provenance.get("people", 0))
        pairs = people * (people - 1) // 2
        return {
            "data": self.provenance.get("data", ""),
            "people": people,
            "photos": self.provenance.get("photos", 0),
            "pairs_of_people": pairs,
            "pairs_of_photos": self.provenance.get("impostor_pairs", 0),
            "fmr_measured_down_to": self.measured,
            "fmr_continued_down_to": self.lowest,
            # Many photos of few people make many pairs, which tell less than they are.
            "fmr_of_30_pairs_of_people": min(1.0, LEAST_FALSE / max(1, pairs)),
        }

    def made_for(self, seen: Preprocessing) -> bool:
        """Whether it was made with these views; with others, scores are distributed otherwise."""
        return self.provenance.get("preprocessing") == seen.version

    def threshold(self, fmr: float) -> float:
        """The similarity at or above which a share ``fmr`` of pairs of two people lies.

        Raises:
            NotCalibrated: the rate lies outside of what the data support.
        """
        rates, thresholds = zip(*self.tail, strict=True)
        if not 10 ** rates[0] * (1 - 1e-9) <= fmr <= 10 ** rates[-1] * (1 + 1e-9):
            raise NotCalibrated(
                f"No threshold is known for a false match rate of {fmr:g} a comparison.",
                hint=f"Known are {10 ** rates[0]:.1g} to {10 ** rates[-1]:.1g}; ask for another rate.",
            )
        return float(np.interp(math.log10(fmr), rates, thresholds))

    def identification_threshold(self, fpir: float, templates: int) -> float:
        """The similarity at or above which a stranger is named with probability ``fpir``.

        A stranger is compared with every template: FPIR = 1 - (1 - FMR)^N (ISO/IEC 19795-1, for
        comparisons that are independent).

        Args:
            fpir: false positive identification rate, between 0 and 1.
            templates: size of the gallery, N >= 1.

        Raises:
            NotCalibrated: so low a rate for so large a gallery is not supported by the data.
        """
        if not 0 < fpir < 1:
            raise NotCalibrated(
                f"A false positive identification rate of {fpir:g} is not possible.",
                hint="Ask for one between 0 and 1, such as 0.01.",
            )
        # A large rate over a small gallery may ask for more false matches than any threshold that we
        # know allows; the most lenient one is then the answer.
        fmr = -math.expm1(math.log1p(-fpir) / templates)
        return self.threshold(min(fmr, 10 ** self.tail[-1][0]))

    def likelihood_ratio(self, similarity: float) -> float:
        """How many times likelier this similarity is between two photos of one person than of two.

        Capped at both ends at what the data support.
        """
        scores, logarithms = zip(*self.evidence, strict=True)
        return float(10 ** np.interp(similarity, scores, logarithms))

    def to_json(self) -> str:
        """Readable JSON; ``from_json`` gives the same calibration back."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Read what ``to_json`` wrote.

        Raises:
            NotCalibrated: it is not a calibration.
        """
        try:
            values: Any = json.loads(text)
            calibration = cls(
                points=tuple(OperatingPoint(**point) for point in values["points"]),
                tail=_knots(values["tail"]),
                evidence=_knots(values["evidence"]),
                provenance=dict(values["provenance"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise NotCalibrated(
                f"The calibration cannot be read ({error}).",
                hint="Reinstall firstsight, or make it anew with `firstsight calibrate`.",
            ) from error
        return calibration


def _knots(rows: list[list[float]]) -> Knots:
    knots = tuple((float(first), float(second)) for first, second in rows)
    firsts = [first for first, _ in knots]
    if len(knots) < 2 or any(b <= a for a, b in pairwise(firsts)):
        raise ValueError("its knots do not rise")
    return knots
