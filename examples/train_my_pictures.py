"""Train a twin on a folder of pictures, one sub-folder for each identity, and recognise with it at once.

python examples/train_my_pictures.py PICTURES     a folder of your own
python examples/train_my_pictures.py              24 drawn badges, trained on in a minute
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from firstsight import Recognizer
from firstsight.training import read_recipe, train

QUICK = ["data.size=32", "data.held_out=0.4", "sampler.size=24", "schedule.epochs=16"]


def draw_badges(folder: Path, badges: int = 24, each: int = 10) -> None:
    """Badges of two colours and a polygon, each pictured several times, turned and lit differently."""
    draw = np.random.default_rng(0)
    for number in range(badges):
        colours = [tuple(colour) for colour in draw.integers(30, 225, (2, 3)).tolist()]
        corners = draw.uniform(12, 52, (5, 2))
        (folder / f"badge-{number:02d}").mkdir()
        for picture in range(each):
            page = Image.new("RGB", (64, 64), colours[0])
            moved = corners + draw.normal(0, 2, corners.shape)
            ImageDraw.Draw(page).polygon([tuple(corner) for corner in moved.tolist()], fill=colours[1])
            page = page.rotate(float(draw.uniform(-15, 15)), fillcolor=colours[0])
            page = page.point(
                (np.arange(256).repeat(3).reshape(256, 3).T.ravel() * draw.uniform(0.8, 1)).tolist()
            )
            page.save(folder / f"badge-{number:02d}" / f"{picture}.png")


def main(pictures: Path | None) -> None:
    """Train, enrol one picture of two identities, and identify others."""
    with tempfile.TemporaryDirectory() as work:
        here = Path(work)
        if pictures is None:
            pictures = here / "badges"
            pictures.mkdir()
            draw_badges(pictures)
            recipe = read_recipe("my-pictures", QUICK)
        else:
            recipe = read_recipe("my-pictures")
        done = train(
            recipe,
            pictures,
            here / "run",
            cache=here,
            progress=lambda step, steps, how: print(f"\r{step}/{steps} {how}", end="", file=sys.stderr),
        )
        print(
            f"\nOne-shot accuracy on identities held out: {100 * done.position.history[-1]['one-shot']:.0f} %"
        )

        known = Recognizer(here / "gallery.db", model=done.model)
        identities = sorted(folder for folder in pictures.iterdir() if folder.is_dir())[:3]
        for folder in identities[:2]:
            known.enroll(folder.name, sorted(folder.iterdir())[0])
        for folder in identities:
            (sighting,) = known.identify(sorted(folder.iterdir())[1], fpir=0.1)
            print(f"{folder.name}: {sighting.person or 'nobody I know'} ({sighting.similarity:.2f})")
        known.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
