"""A result as one self-contained HTML page: figures, plots, and the trials, the worst mistakes first.

The page shows pictures of the data set, and belongs to whoever may see them.
"""

from __future__ import annotations

import base64
import io
import re
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from firstsight.datasets import Archive
from firstsight.errors import ImageError
from firstsight.evaluation.plots import curve_bytes
from firstsight.evaluation.result import Example, Result
from firstsight.files import write_whole
from firstsight.images import fitted, read_image

SIDE: Final = 96
SHOWN: Final = 20
"""Support pictures of a trial, the most similar ones."""


def write_page(result: Result, folder: Path) -> Path:
    """Write ``<folder>/<protocol>-<model>.html``, its views and a seed other than 0 behind the model.

    Raises:
        UsageError: it cannot be written.
    """
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True)
    text = resources.files("firstsight.evaluation").joinpath("page.html").read_text("utf-8")
    model = str(result.provenance.get("model", ""))
    path = folder / f"{_file_name(result.protocol, model, *_others(result))}.html"
    plots = [{"title": one.title, "picture": _text(curve_bytes(one))} for one in result.curves]
    archive = result.archive
    trials = [_trial(archive, one) for one in result.examples] if archive else []
    page = environment.from_string(text).render(
        title=f"{model}: {result.protocol}",
        rule=result.rule,
        figures=[
            (
                name.replace("_", " "),
                f"{100 * found.value:.2f} %",
                f"[{100 * found.low:.2f} to {100 * found.high:.2f}]",
                f"{found.n:,}",
            )
            for name, found in result.measures.items()
        ],
        plots=plots,
        trials=trials,
        paired=all(len(one.support) == 1 for one in result.examples),
        notes=[*result.settings.items(), *result.provenance.items()],
    )
    write_whole(path, page)
    return path


def _file_name(*parts: str) -> str:
    """Parts of a file's name in one: a model file says by itself what its model is called, ``../x`` too."""
    plain = (re.sub(r"[^\w.-]", "_", part) for part in parts)
    # A part of dots alone is nothing that one reads, and may be a folder.
    return "-".join(part if part.strip(".") else "_" for part in plain)


def _others(result: Result) -> list[str]:
    """What tells a run from the plain one of its model, whose page it is not to replace."""
    origin = result.provenance
    shifted, seed = (int(origin.get(name, 0)) for name in ("shifted", "seed"))
    parts = (
        (origin.get("mirrored"), "mirrored"),
        (shifted, f"shifted-{shifted}"),
        (seed, f"seed-{seed}"),
    )
    return [text for given, text in parts if given]


def _trial(archive: Archive, example: Example) -> dict[str, Any]:
    order = np.argsort(-np.array(example.scores), kind="stable")[:SHOWN].tolist()
    if example.truth is not None and example.truth not in order:
        order[-1] = example.truth
    support = [
        {
            "picture": _picture(archive, example.support[place]),
            "score": f"{example.scores[place]:.3f}",
            "kind": _kind(example, place),
        }
        for place in order
    ]
    return {"probe": _picture(archive, example.probe), "verdict": _verdict(example), "support": support}


def _kind(example: Example, place: int) -> str:
    if place == example.truth:
        return "truth"
    # A pair that is not mated is red, however it was answered.
    return "wrong" if place == example.answer or example.truth is None else ""


def _verdict(example: Example) -> str:
    if len(example.support) > 1:
        return "right" if example.right else "wrong"
    said = "not the same" if example.answer is None else "the same"
    return f"said: {said}"


def _picture(archive: Archive, name: str) -> str:
    try:
        picture = read_image(archive.read(name))
    except (ImageError, OSError):
        picture = np.full((SIDE, SIDE, 3), 128, np.uint8)
    written = io.BytesIO()
    Image.fromarray(fitted(picture, SIDE, 3)).save(written, "JPEG", quality=80)
    return _text(written.getvalue())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
