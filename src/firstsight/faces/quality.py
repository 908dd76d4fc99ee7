"""Whether a face can be enrolled from: large, sharp, lit and frontal enough, with reasons when not.

The limits are data: ``python -m tools.quality`` degraded photos step by step until mated pairs began to
fail, and wrote them with where they come from into ``quality.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.faces.alignment import align
from firstsight.faces.face import Face

SIDE: Final = 112
PLACES: Final = np.array(((38.0, 52.0), (74.0, 52.0), (56.0, 72.0), (42.0, 92.0), (70.0, 92.0)), np.float32)
"""Where the landmarks lie in the crop that sharpness and brightness are measured on."""
FACE: Final = (slice(24, 104), slice(20, 92))
"""The part of that crop which is face."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of a face."""

    size: float
    """Distance between the eyes, pixels of the photo."""
    sharpness: float
    """Spread of the Laplacian over the spread of grey, in the aligned crop; blur and upscaling lower it."""
    brightness: float
    """Mean luma of the face, 0 to 255."""
    turn: float
    """How far the tip of the nose lies off the middle of the eyes, in distances between the eyes: 0 from
    the front, 0.5 and more in profile."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a face is good enough to enrol from."""

    size: float
    sharpness: float
    darkest: float
    brightest: float
    turn: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be known again."""

    measures: Measures
    score: float
    """0 to 1, by the worst of the measures; 0.5 lies at the limit."""
    reasons: tuple[str, ...]
    """Why one should not enrol from it; empty when one may."""

    @property
    def ok(self) -> bool:
        """Good enough to enrol from."""
        return not self.reasons


UNJUDGED: Final = Quality(Measures(0, 0, 0, 0), 1.0, ())
"""Of a picture that shows no face because it need not."""


@cache
def limits() -> Limits:
    """The limits that ship with the package."""
    text = (resources.files("firstsight.faces") / "quality.json").read_text("utf-8")
    return Limits(**json.loads(text)["limits"])


def assess(picture: NDArray[np.uint8], face: Face) -> Quality:
    """Judge one face of a picture, (H, W, 3) uint8 RGB."""
    return judge(measure(picture, face))


def measure(picture: NDArray[np.uint8], face: Face) -> Measures:
    """Measure one face of a picture, (H, W, 3) uint8 RGB."""
    left, right, nose = face.landmarks[:3].astype(np.float64)
    middle, across = (left + right) / 2, right - left
    distance = float(np.hypot(*across))
    grey = cv2.cvtColor(align(picture, face.landmarks, PLACES, SIDE), cv2.COLOR_RGB2GRAY)[FACE]
    spread = max(float(grey.std()), 1.0)
    return Measures(
        size=distance,
        sharpness=float(cv2.Laplacian(grey, cv2.CV_32F).std()) / spread,
        brightness=float(grey.mean()),
        turn=abs(float((nose - middle) @ across)) / distance**2,
    )


def judge(found: Measures, held_to: Limits | None = None) -> Quality:
    """Hold measures to limits; to those of the package when none are given."""
    limit = held_to or limits()
    complaints = (
        (
            found.size < limit.size,
            f"too small ({found.size:.0f} px between the eyes, {limit.size:.0f} needed)",
        ),
        (found.sharpness < limit.sharpness, "too blurred"),
        (found.brightness < limit.darkest, "too dark"),
        (found.brightness > limit.brightest, "too bright"),
        (found.turn > limit.turn, "turned too far to the side"),
    )
    room = (
        found.size / limit.size / 2,
        found.sharpness / limit.sharpness / 2,
        found.brightness / limit.darkest / 2,
        (255 - found.brightness) / (255 - limit.brightest) / 2,
        1 - found.turn / limit.turn / 2,
    )
    score = float(np.clip(min(room), 0, 1))
    return Quality(found, score, tuple(text for is_so, text in complaints if is_so))
