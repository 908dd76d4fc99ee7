"""Watch a camera or a video file and say who comes.

    python examples/door_camera.py --source 0 --gallery people.db      the first camera, your people
    python examples/door_camera.py --source door.mp4 --gallery people.db
    python examples/door_camera.py                                     the sample pictures, as a slide show

A name is said when a face was taken for the same person in three looks of the last five; and again only
after that person was out of sight for a while. It compares faces; it does not know a face from its photo.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from firstsight import Recognizer, samples

LOOKS, AGREE = 5, 3
EVERY = 0.2
"""Seconds from one look to the next."""
AWAY = 30
"""Looks without somebody until that person is said again."""


def frames(source: str) -> Iterator[np.ndarray]:
    """Pictures of a camera (by its number) or of a video file, RGB."""
    video = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not video.isOpened():
        raise SystemExit(f"{source} cannot be opened: name a camera's number or a video file.")
    last = 0.0
    while True:
        there, picture = video.read()
        if not there:
            return
        if not source.isdigit() or time.monotonic() - last >= EVERY:
            last = time.monotonic()
            yield picture[:, :, ::-1]


def slides() -> Iterator[np.ndarray]:
    """Each sample person at the door for a few looks, and a stranger."""
    from firstsight.images import read_image

    for photos in [*list(samples.people().values())[:4], *list(samples.strangers().values())[:1]]:
        for photo in photos[1:]:
            for _ in range(2):
                yield read_image(photo)


def main() -> None:
    """Look, identify, and say names."""
    options = argparse.ArgumentParser(description="Say who comes.")
    options.add_argument("--source", help="number of a camera, or a video file")
    options.add_argument("--gallery", help="gallery to use; the sample people when left out")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        people = Recognizer(chosen.gallery or Path(work) / "people.db")
        if not chosen.gallery:
            for name, photos in samples.people().items():
                people.enroll(name, photos[0])
        looks: deque[set[str]] = deque(maxlen=LOOKS)
        said: dict[str, int] = {}
        for number, picture in enumerate(frames(chosen.source) if chosen.source else slides()):
            looks.append({one.person for one in people.identify(picture) if one.person})
            for name in set().union(*looks):
                if sum(name in look for look in looks) < AGREE:
                    continue
                if number - said.get(name, -AWAY) >= AWAY:
                    print(f"{name} is here")
                said[name] = number
        people.close()


if __name__ == "__main__":
    main()
