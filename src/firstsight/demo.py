"""The demo: sample people enrolled from one picture each, then recognised beside strangers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from firstsight import samples
from firstsight.drawing import AMBER, BLUE, FAINT, GREEN, INK, PAPER, RED, bar, font, place, tile
from firstsight.errors import UsageError
from firstsight.images import read_image
from firstsight.recognizer import Encoder, Recognizer, Sighting

WIDE, SIDE, GAP = 1360, 108, 14


@dataclass(frozen=True, slots=True)
class Look:
    """One face that was looked at."""

    picture: Path
    truth: str | None
    """Who it is; None for a stranger."""
    sighting: Sighting

    @property
    def label(self) -> str:
        """The picture's name, with its person's folder if it has one."""
        own = self.picture.is_relative_to(samples.PEOPLE)
        return "/".join(self.picture.parts[-2:]) if own else self.picture.name

    @property
    def right(self) -> bool:
        """Whether the answer is the truth."""
        return self.sighting.person == self.truth


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo saw."""

    enrolled: int
    looks: tuple[Look, ...]


def run(model: str, *, progress: Callable[[int, int], None] | None = None) -> Shown:
    """Enrol the first picture of each sample person into a fresh gallery and look at all others.

    Raises:
        ModelError: the model cannot be opened.
        UsageError: it looks for no faces, and some sample pictures show several.
    """
    encoder = Encoder(model)
    if not encoder.model.preprocessing.points:
        raise UsageError(
            f"The model {model} sees whole pictures; the demo shows people by their faces.",
            hint="Name a model of faces with --model, or leave it out.",
        )
    people = samples.people()
    probes = list(_probes())
    looks = []
    with (
        tempfile.TemporaryDirectory(prefix="firstsight-") as folder,
        Recognizer(Path(folder) / "demo.db", model=encoder) as recognizer,
    ):
        for name, pictures in people.items():
            recognizer.enroll(name, pictures[0])
        for done, (picture, truths) in enumerate(probes, start=1):
            sightings = recognizer.identify(picture)
            looks += [Look(picture, *pair) for pair in zip(truths, sightings, strict=True)]
            if progress:
                progress(done, len(probes))
    return Shown(len(people), tuple(looks))


def _probes() -> Iterator[tuple[Path, tuple[str | None, ...]]]:
    """Pictures with who is in them, from left to right."""
    people = samples.people()
    for name, pictures in people.items():
        for picture in pictures[1:]:
            yield picture, (name,)
    for pictures in samples.strangers().values():
        for picture in pictures:
            yield picture, (None,)
    for picture, names in samples.together().items():
        yield picture, tuple(name if name in people else None for name in names)


def draw(shown: Shown) -> Image.Image:
    """Each person's enrolled picture, beside it the faces that were taken for them; strangers below."""
    people = samples.people()
    half = (WIDE - 3 * GAP) // 2
    row = SIDE + 46
    rows = (len(people) + 1) // 2
    page = Image.new("RGB", (WIDE, 96 + rows * row + SIDE + 92), PAPER)
    canvas = ImageDraw.Draw(page)
    right = sum(look.right for look in shown.looks)
    title = (
        f"{shown.enrolled} people enrolled from one picture each: {right} of {len(shown.looks)} faces right"
    )
    canvas.text((GAP, 16), title, INK, font(22, bold=True))
    legend = (
        "Left of each row: the enrolled picture. Then every face that was taken for that person; the mark"
    )
    canvas.text(
        (GAP, 52),
        legend + " on a bar is the threshold. Composite portraits: nobody real.",
        FAINT,
        font(13),
    )
    for number, (name, pictures) in enumerate(people.items()):
        left, top = GAP + (number % 2) * (half + GAP), 96 + (number // 2) * row
        place(page, (left, top), tile(read_image(pictures[0]), SIDE), BLUE)
        canvas.text((left, top + SIDE + 5), name, BLUE, font(14, bold=True))
        matched = [look for look in shown.looks if look.sighting.person == name]
        _row(page, matched, left + SIDE + 2 * GAP, top, left + half)
    top = 96 + rows * row + 34
    canvas.line((GAP, top - 28, WIDE - GAP, top - 28), fill="#d7dbe2", width=1)
    canvas.text((GAP, top - 22), "Nobody I know", AMBER, font(14, bold=True))
    nobody = [look for look in shown.looks if look.sighting.person is None]
    _row(page, nobody, GAP, top + 4, WIDE - GAP)
    return page


def _row(page: Image.Image, looks: list[Look], left: int, top: int, end: int) -> None:
    """Faces side by side, each with its similarity; as many as there is room for."""
    canvas = ImageDraw.Draw(page)
    for look in looks:
        if left + SIDE > end:
            return
        sighting = look.sighting
        several = look.picture in samples.together()
        piece = tile(read_image(look.picture), SIDE, sighting.box if several else None)
        colour = GREEN if look.right else RED
        place(page, (left, top), piece, colour)
        score = sighting.similarity or 0.0
        bar(canvas, (left, top + SIDE + 7), SIDE, score, sighting.threshold, colour)
        verdict = "" if look.right else f"  wrong: {look.truth or 'a stranger'}"
        canvas.text((left, top + SIDE + 16), f"{score:.2f}{verdict}", colour, font(12))
        left += SIDE + GAP
