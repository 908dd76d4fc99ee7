"""Measure the limits of quality and write them into the package.

    python -m tools.quality --lfw FOLDER --celeba ARCHIVE

The rule: a limit lies where the odds of a false non-match, at the shipped threshold of FMR 1e-3, first
reach four times those of good photos; four is a choice of strictness. Size, sharpness and light: one
photo of each mated pair of LFW's View 1 training list is degraded step by step; the limit is the median
of the measure at that step, between two steps by interpolation. Turning cannot be made: each photo of
CelebA is held against a frontal one of the same person, sorted by its turn.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from firstsight.datasets import Identities, open_identities, open_lfw
from firstsight.evaluation.embedding import embed_pictures
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.faces import quality
from firstsight.faces.quality import Measures, measure
from firstsight.images import read_image
from firstsight.recognizer import Encoder

FMR, HARM = 1e-3, 4.0
FRONTAL = 0.1
"""Turn up to which a photo counts as frontal."""
TURNS = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.8, 2.0)

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
    return np.asarray(np.clip(picture * factor, 0, 255), np.uint8)


SERIES: dict[str, tuple[str, Callable[[Picture, float], Picture], tuple[float, ...]]] = {
    "size": ("size", smaller, (1.0, 0.45, 0.35, 0.30, 0.27, 0.24, 0.21, 0.18)),
    "sharpness": ("sharpness", blurred, (0.0, 1.5, 2.0, 2.5, 2.75, 3.0, 3.25, 3.5, 4.0)),
    "darkest": ("brightness", exposed, (1.0, 0.3, 0.2, 0.17, 0.14, 0.12, 0.10, 0.08)),
    "brightest": ("brightness", exposed, (1.0, 1.2, 1.4, 1.6, 1.7, 1.8, 1.9, 2.0, 2.2)),
}


def _changed(change: Callable[[Picture, float], Picture], level: float, picture: Picture) -> Picture:
    return change(picture, level)


def crossing(steps: Sequence[Step]) -> float:
    """The measure at which the odds first reach so many times the first step's."""
    most = HARM * steps[0][1] / (1 - steps[0][1])
    rate = most / (1 + most)
    for (before, low, _), (after, high, _) in pairwise(steps):
        if high >= rate:
            return before + (after - before) * (rate - low) / (high - low)
    raise SystemExit("No step does harm enough: the series must go further.")


def turning(encoder: Encoder, identities: Identities, threshold: float) -> list[Step]:
    """Photos by their turn against a frontal photo of the same person."""
    names, archive = identities.names(), identities.archive
    templates = embed_pictures(encoder.model, archive, names)
    turns = np.full(len(names), np.nan)
    for row in track(np.flatnonzero(templates.found), "turn      ", console=Console(stderr=True)):
        picture = read_image(archive.read(names[row]))
        if faces := encoder.detector.detect(picture):
            turns[row] = measure(picture, faces[0]).turn
    found: list[tuple[float, float]] = []
    for person in identities.pictures.values():
        rows = templates.rows(person)
        frontal = rows[turns[rows] < FRONTAL]
        for row in rows[turns[rows] >= 0]:
            other = frontal[frontal != row][:1]
            score = templates.embeddings[row] @ templates.embeddings[other].T
            found += [(float(turns[row]), float(value)) for value in score]
    turned, scores = np.array(found).T
    steps = []
    for low, high in pairwise(TURNS):
        part = (turned >= low) & (turned < high)
        missed = float(np.mean(scores[part] < threshold))
        steps.append((float(np.median(turned[part])), missed, int(part.sum())))
    return steps


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--celeba", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=550)
    options = parser.parse_args()
    encoder, lfw = Encoder("sface"), open_lfw(options.lfw)
    threshold = encoder.model.calibrated().threshold(FMR)
    pairs = [pair for pair in lfw.view1("train") if pair.mated][: options.pairs]

    def look(
        name: str, change: Callable[[Picture], Picture] = lambda picture: picture
    ) -> tuple[NDArray[np.float32] | None, Measures | None]:
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
                left, found = look(pair.left, partial(_changed, change, level))
                # A face that is not found any more is a failure as well.
                failed.append(left is None or right is None or float(left @ right) < threshold)
                if found:
                    values.append(getattr(found, field))
            report[name].append((float(np.median(values)), float(np.mean(failed)), len(pairs)))
    celeba = open_identities(options.celeba)
    report["turn"] = turning(encoder, celeba, threshold)
    limits = {name: round(crossing(steps), 3) for name, steps in report.items()}
    text = {
        "rule": f"odds of a false non-match {HARM:g} times the first step's, at FMR {FMR:g}",
        "limits": {key: limits[key] for key in ("size", "sharpness", "darkest", "brightest", "turn")},
        "steps": {
            name: [[round(value, 3), round(rate, 4), count] for value, rate, count in steps]
            for name, steps in report.items()
        },
        "provenance": {
            "data": lfw.identities.archive.path.name,
            "data_digest": lfw.identities.archive.digest(),
            "list": "pairsDevTrain.txt, mated",
            "data_of_turn": celeba.archive.path.name,
            "data_of_turn_digest": celeba.archive.digest(),
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
