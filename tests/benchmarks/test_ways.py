from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from benchmarks.ways import FACE_RECOGNITION, Template, ours, similarity, single

from firstsight.models import open_model
from firstsight.networks import ENGINES, VARIABLE
from firstsight.recognizer import Encoder


@pytest.mark.parametrize("engine", ENGINES)
def test_templates_stand_with_their_photos(
    engine: str, tmp_path: Path, people: dict[str, list[Path]], together: dict[Path, tuple[str, ...]]
) -> None:
    empty = tmp_path / "empty.png"
    assert cv2.imwrite(str(empty), np.full((80, 80, 3), 128, np.uint8))
    one, other = (photos[0] for photos in list(people.values())[:2])
    several = next(iter(together))
    found = ours("faces-distilled", engine)([one, empty, several, other])
    assert found[1] is None
    assert VARIABLE not in os.environ
    # OpenVINO finds the points of a face a little elsewhere.
    encoder = Encoder(open_model("faces-distilled"))
    for file, template in ((one, found[0]), (other, found[3])):
        assert template is not None
        assert float(template @ encoder.only_face(file).embedding) > 0.99
    # Of several faces it is the largest.
    faces = encoder.faces(several)
    largest = max(faces, key=lambda encoded: encoded.face.box.width * encoded.face.box.height)
    assert found[2] is not None
    assert float(found[2] @ largest.embedding) > 0.99


def test_a_peer_finds_the_threads_of_opencv_as_they_were() -> None:
    seen: list[int] = []

    def fails(_: object) -> list[Template | None]:
        seen.append(cv2.getNumThreads())
        raise ValueError("no photo")

    usual = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        with pytest.raises(ValueError, match="no photo"):
            single(fails)([])
        assert seen == [1]
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(usual)


@pytest.mark.parametrize("way", ["sface", FACE_RECOGNITION[0], FACE_RECOGNITION[1]])
def test_the_more_alike_is_the_higher(way: str) -> None:
    one, near, far = np.eye(3)[0], np.array([0.8, 0.6, 0.0]), np.eye(3)[2]
    scores = [similarity(way, one, other) for other in (one, near, far, None)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 4
