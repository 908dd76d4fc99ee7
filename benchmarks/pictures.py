"""Photos to time with, out of LFW."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from firstsight.datasets import Identities

PEOPLE: Final = 100
WIDE: Final = (1920, 1080)
FEW: Final = 20
"""Of the large ones."""


def small(lfw: Identities) -> list[bytes]:
    """LFW's photos as they are, 250 x 250."""
    return [lfw.archive.read(lfw.pictures[name][-1]) for name in list(lfw.pictures)[:PEOPLE]]


def wide(lfw: Identities) -> list[bytes]:
    """The same photos, as large as they fit into the middle of a screen, as JPEG."""
    bodies = []
    for content in small(lfw)[:FEW]:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        page = np.full((WIDE[1], WIDE[0], 3), 90, np.uint8)
        left = (WIDE[0] - WIDE[1]) // 2
        if picture is None:
            continue
        page[:, left : left + WIDE[1]] = cv2.resize(picture, (WIDE[1], WIDE[1]))
        bodies.append(cv2.imencode(".jpg", page)[1].tobytes())
    return bodies


def written(folder: Path, bodies: Sequence[bytes]) -> list[Path]:
    """Each as a file of its own in a folder."""
    files = [folder / f"{number:05d}.jpg" for number in range(len(bodies))]
    for file, content in zip(files, bodies, strict=True):
        file.write_bytes(content)
    return files
