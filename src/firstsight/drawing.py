"""Answers as pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from firstsight.errors import UsageError
from firstsight.faces import Box
from firstsight.files import write_whole
from firstsight.images import Source, read_image
from firstsight.recognizer import Classification, Sighting

INK, FAINT, PAPER = "#1c2330", "#7a8291", "#ffffff"
GREEN, RED, AMBER, BLUE = "#1a8f5a", "#c8372d", "#c98a1b", "#1f5fa8"
Canvas = ImageDraw.ImageDraw
RANKS: Final = 5
"""How many people of a ranking are drawn."""


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu, which knows most scripts that names are written in; matplotlib brings it."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def fitted(text: str, width: float, used: ImageFont.FreeTypeFont) -> str:
    """The text, cut with an ellipsis where it is wider than so many pixels."""
    if used.getlength(text) <= width:
        return text
    while text and used.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def tile(picture: NDArray[np.uint8], side: int, box: Box | None = None) -> Image.Image:
    """A square piece of a picture: the middle, or around a face."""
    whole = Image.fromarray(picture)
    if box is not None:
        wide = min(round(1.6 * max(box.width, box.height)), *whole.size)
        left, top = (
            round(min(max(0.0, middle - wide / 2), end - wide))
            for middle, end in zip(box.centre, whole.size, strict=True)
        )
        whole = whole.crop((left, top, left + wide, top + wide))
    return ImageOps.fit(whole, (side, side), Image.Resampling.LANCZOS)


def place(page: Image.Image, at: tuple[int, int], piece: Image.Image, colour: str) -> None:
    """Put a tile on a page, in a frame."""
    page.paste(piece, at)
    left, top = at
    frame = (left - 2, top - 2, left + piece.width + 1, top + piece.height + 1)
    ImageDraw.Draw(page).rectangle(frame, outline=colour, width=2)


def bar(
    canvas: Canvas,
    at: tuple[int, int],
    width: int,
    similarity: float,
    threshold: float | None,
    colour: str,
) -> None:
    """A similarity from 0 to 1 as a bar, with a mark at the threshold."""
    left, top = at
    canvas.rectangle((left, top, left + width, top + 5), fill="#e8ebf0")
    canvas.rectangle((left, top, left + round(width * min(max(similarity, 0), 1)), top + 5), fill=colour)
    if threshold is not None:
        mark = left + round(width * threshold)
        canvas.line((mark, top - 2, mark, top + 7), fill=INK, width=2)


def draw_sightings(photo: Source, sightings: Sequence[Sighting]) -> Image.Image:
    """A photo with a box and a name for every face."""
    page = Image.fromarray(read_image(photo))
    canvas = ImageDraw.Draw(page)
    thick = max(2, round(max(page.size) / 400))
    size = max(11, round(max(page.size) / 55))
    for one in sightings:
        colour = GREEN if one.person else AMBER
        box = one.box
        corners = (box.left, box.top, box.left + box.width, box.top + box.height)
        canvas.rectangle(corners, outline=colour, width=thick)
        score = "" if one.similarity is None else f" {one.similarity:.2f}"
        text = fitted((one.person or "nobody I know") + score, page.width - 8, font(size, bold=True))
        wide = font(size, bold=True).getlength(text) + 8
        left = min(max(0, corners[0]), page.width - wide)
        top = corners[1] - size - 8
        top = top if top >= 0 else min(corners[3], page.height - size - 8)
        canvas.rectangle((left, top, left + wide, top + size + 8), fill=colour)
        canvas.text((left + 4, top + 2), text, PAPER, font(size, bold=True))
    return page


def draw_classifications(
    found: Sequence[Classification], probes: Sequence[Source], support: Mapping[str, Source]
) -> Image.Image:
    """Each probe beside the most similar people of the support set, best first."""
    side, gap, head = 120, 16, 40
    columns = min(RANKS, len(support))
    high = side + 50
    page = Image.new("RGB", (gap + (columns + 1) * (side + gap) + 24, head + len(found) * high + gap), PAPER)
    canvas = ImageDraw.Draw(page)
    canvas.text((gap, 12), "Probe", INK, font(14, bold=True))
    title = f"Most similar of {len(support)}, one photo each"
    canvas.text((2 * gap + side + 24, 12), title, INK, font(14, bold=True))
    for row, (one, probe) in enumerate(zip(found, probes, strict=True)):
        top = head + row * high
        place(page, (gap, top), tile(read_image(probe), side), INK)
        canvas.text((gap, top + side + 6), fitted(one.probe, side, font(12)), INK, font(12))
        for column, (person, similarity) in enumerate(one.ranking[:columns]):
            left = 2 * gap + side + 24 + column * (side + gap)
            colour = GREEN if column == 0 else FAINT
            place(page, (left, top), tile(read_image(support[person]), side), colour)
            text = f"{fitted(person, side - 38, font(12))} {similarity:.2f}"
            canvas.text((left, top + side + 6), text, colour, font(12, bold=column == 0))
            bar(canvas, (left, top + side + 26), side, similarity, None, colour)
    return page


def draw_sheet(title: str, rows: Mapping[str, tuple[str, Sequence[NDArray[np.uint8]]]]) -> Image.Image:
    """A contact sheet: a row of whole pictures for each identity, its name and a remark beside them.

    Args:
        title: of the sheet.
        rows: remark and pictures, (H, W, 3) uint8 RGB, by identity.
    """
    side, gap, names, head = 104, 10, 190, 52
    columns = max([1, *(len(pictures) for _, pictures in rows.values())])
    wide = 3 * gap + names + columns * (side + gap)
    page = Image.new("RGB", (wide, head + len(rows) * (side + gap) + gap), PAPER)
    canvas = ImageDraw.Draw(page)
    canvas.text((2 * gap, 16), fitted(title, wide - 4 * gap, font(16, bold=True)), INK, font(16, bold=True))
    for row, (name, (remark, pictures)) in enumerate(rows.items()):
        top = head + row * (side + gap)
        canvas.line((2 * gap, top - gap // 2, wide - 2 * gap, top - gap // 2), fill="#e8ebf0")
        middle = top + side // 2
        canvas.text(
            (2 * gap, middle - 18), fitted(name, names - gap, font(13, bold=True)), INK, font(13, bold=True)
        )
        canvas.text((2 * gap, middle + 2), fitted(remark, names - gap, font(12)), FAINT, font(12))
        for column, picture in enumerate(pictures):
            piece = ImageOps.contain(Image.fromarray(picture), (side, side), Image.Resampling.LANCZOS)
            left = 2 * gap + names + column * (side + gap)
            # Nothing is cut off: what lies at an edge may be what is wrong with a picture.
            canvas.rectangle((left, top, left + side - 1, top + side - 1), fill="#f1f3f6")
            page.paste(piece, (left + (side - piece.width) // 2, top + (side - piece.height) // 2))
    return page


def drawable(path: Path) -> None:
    """See that a picture can be drawn to a file of that name, before there is one.

    Raises:
        UsageError: its ending names no format that pictures are written in.
    """
    _drawn(Image.new("RGB", (1, 1)), path)


def save(page: Image.Image, path: Path) -> None:
    """Write a picture; its format is told by the file's ending.

    Raises:
        UsageError: the file cannot be written.
    """
    write_whole(path, _drawn(page, path))


def _drawn(page: Image.Image, path: Path) -> bytes:
    drawn, kind = io.BytesIO(), Image.registered_extensions().get(path.suffix.lower())
    try:
        if kind is None:
            raise ValueError(f"unknown ending {path.suffix!r}")
        page.save(drawn, kind)
    except (OSError, ValueError, KeyError) as error:  # KeyError: a format that is read only
        raise UsageError(f"{path} cannot be drawn ({error}).", hint="Name a .png or .jpg.") from error
    return drawn.getvalue()
