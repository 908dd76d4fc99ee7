"""Measure the limits of quality on LFW's development people and write them into the package.

    python -m tools.quality --data PATH_TO_LFW

The rule, fixed before the first run: one photo of each mated pair of View 1's training list is degraded
step by step; a limit lies where the false non-match rate at the shipped threshold of FMR 1e-3 first
reaches 5 %, at the median of the measure at that step (between two steps by interpolation). Turning
cannot be made, so that pairs are sorted by the more turned photo of the two; where no step reaches 5 %,
the limit is the outermost that was seen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from firstsight.datasets import open_lfw
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.faces import quality
from firstsight.faces.quality import Measures, measure
from firstsight.images import read_image
from firstsight.recognizer import Encoder

FMR, FNMR = 1e-3, 0.05
EYES = 42.0
"""Pixels between the eyes in LFW's photos, about."""

Picture = NDArray[np.uint8]
Step = tuple[float, float, int]
"""Median of the measure, false non-match rate, pairs."""


def smaller(picture: Picture, factor: float) -> Picture:
    """Shrunk by area."""
    size = [max(8, round(side * factor)) for side in picture.shape[1::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def blurred(picture: Picture, sigma: float) -> Picture:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma) if sigma else picture, np.uint8)


def exposed(picture: Picture, factor: float) -> Picture:
    """Darker, or brighter with burnt lights; eight bits keep what they can."""
    return np.clip(picture * factor, 0, 255).astype(np.uint8)


SERIES: dict[str, tuple[str, Callable[[Picture, float], Picture], tuple[float, ...]]] = {
    "size": ("size", smaller, (1.0, 0.6, 0.45, 0.35, 0.28, 0.22, 0.17)),
    "sharpness": ("sharpness", blurred, (0.0, 1.5, 2.5, 3.5, 4.5, 6.0, 8.0)),
    "darkest": ("brightness", exposed, (1.0, 0.3, 0.15, 0.08, 0.05, 0.03, 0.02)),
    "brightest": ("brightness", exposed, (1.0, 2.0, 3.0, 4.0, 6.0, 9.0)),
}


def crossing(steps: Sequence[Step]) -> float:
    """The measure at which the rate first reaches the rule's."""
    for (before, low, _), (after, high, _) in zip(steps, steps[1:], strict=False):
        if high >= FNMR:
            return before + (after - before) * (FNMR - low) / (high - low)
    return steps[-1][0]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=550)
    options = parser.parse_args()
    encoder, lfw = Encoder("sface"), open_lfw(options.data)
    threshold = encoder.model.calibrated().threshold(FMR)
    pairs = [pair for pair in lfw.view1("train") if pair.mated][: options.pairs]

    def look(name: str, change: Callable[[Picture], Picture] = lambda picture: picture) -> tuple[
        NDArray[np.float32] | None, Measures | None
    ]:
        picture = change(read_image(lfw.identities.archive.read(name)))
        faces = encoder.detector.detect(picture)
        if not faces:
            return None, None
        middle = picture.shape[1] / 2
        face = min(faces, key=lambda found: abs(found.box.centre[0] - middle))
        return encoder.embed(picture, [face.landmarks])[0], measure(picture, face)

    whole = [look(pair.right) for pair in pairs]
    report: dict[str, list[Step]] = {}
    for name, (field, change, levels) in SERIES.items():
        report[name] = []
        for level in track(levels, f"{name:10}", console=Console(stderr=True)):
            failed, values = [], []
            for pair, (right, _) in zip(pairs, whole, strict=True):
                left, found = look(pair.left, lambda picture, by=level: change(picture, by))
                # A face that is not found any more is a failure as well.
                failed.append(left is None or right is None or float(left @ right) < threshold)
                if found:
                    values.append(getattr(found, field))
            report[name].append((float(np.median(values)), float(np.mean(failed)), len(pairs)))
    turns, scores = [], []
    for pair, (right, right_found) in zip(pairs, whole, strict=True):
        left, left_found = look(pair.left)
        if left is not None and right is not None and left_found and right_found:
            turns.append(max(left_found.turn, right_found.turn))
            scores.append(float(left @ right))
    order = np.argsort(turns)
    report["turn"] = [
        (
            float(np.median(np.array(turns)[part])),
            float(np.mean(np.array(scores)[part] < threshold)),
            len(part),
        )
        for part in np.array_split(order, 11)
    ]
    report["turn"].append((float(np.max(turns)), report["turn"][-1][1], 1))
    limits = {name: round(crossing(steps), 3) for name, steps in report.items()}
    text = {
        "rule": f"first step at which FNMR reaches {FNMR:.0%} at the threshold of FMR {FMR:g}",
        "limits": {key: limits[key] for key in ("size", "sharpness", "darkest", "brightest", "turn")},
        "steps": {
            name: [[round(value, 3), round(rate, 4), count] for value, rate, count in steps]
            for name, steps in report.items()
        },
        "provenance": {
            "data": lfw.identities.archive.path.name,
            "data_digest": lfw.identities.archive.digest(),
            "list": "pairsDevTrain.txt, mated",
            "model": encoder.model.name,
            "model_digest": encoder.model.digest,
            "threshold": threshold,
            "machine": machine(),
            "made": moment(),
            **versions(),
        },
    }
    place = Path(quality.__file__).with_name("quality.json")
    place.write_text(json.dumps(text, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
