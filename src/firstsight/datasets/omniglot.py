"""Omniglot: 1,623 handwritten characters of 50 alphabets, each drawn by the same 20 people.

Lake, Salakhutdinov, Tenenbaum, "Human-level concept learning through probabilistic program induction"
(Science 2015). The 20 runs are the authors' own one-shot trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from firstsight.datasets.archive import Archive, open_archive
from firstsight.errors import DataError

BACKGROUND: Final = "images_background"
EVALUATION: Final = "images_evaluation"
RUNS: Final = "all_runs"
ALPHABETS: Final = {BACKGROUND: 30, EVALUATION: 20}
DRAWERS: Final = 20
RUN_COUNT: Final = 20
RUN_ALPHABETS: Final = frozenset(
    {
        "Atlantean",
        "Ge_ez",
        "Glagolitic",
        "Gurmukhi",
        "Kannada",
        "Malayalam",
        "Manipuri",
        "Old_Church_Slavonic_(Cyrillic)",
        "Tengwar",
        "Tibetan",
    }
)
"""The ten evaluation alphabets that the official runs are drawn from; a test looks them up in the runs."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """One character as one person drew it."""

    name: str
    """In the archive."""
    alphabet: str
    character: str
    """``Alphabet/characterNN``: the identity, never the alphabet alone."""
    drawer: int
    """1 to 20."""


@dataclass(frozen=True, slots=True)
class Run:
    """One official run: 20 characters of one alphabet, drawn by one person to show, by another to ask."""

    support: tuple[str, ...]
    """Names in the archive of the runs."""
    probes: tuple[str, ...]
    truth: tuple[int, ...]
    """For each probe, which of the support pictures shows the same character."""


@dataclass(frozen=True, slots=True, eq=False)
class Omniglot:
    """The two parts and the official runs."""

    background: tuple[Archive, tuple[Drawing, ...]]
    evaluation: tuple[Archive, tuple[Drawing, ...]]
    runs: tuple[Archive, tuple[Run, ...]]


def open_omniglot(path: Path) -> Omniglot:
    """Open Omniglot: a folder with the published archives, packed or not.

    Raises:
        DataError: a part is missing or not as published.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder.", hint="Name the folder of Omniglot's archives.")
    background, evaluation, runs = (_part(path, name) for name in (BACKGROUND, EVALUATION, RUNS))
    return Omniglot(
        (background, _drawings(background, BACKGROUND)),
        (evaluation, _drawings(evaluation, EVALUATION)),
        (runs, tuple(_run(runs, number) for number in range(1, RUN_COUNT + 1))),
    )


def _part(path: Path, name: str) -> Archive:
    for place in (path / f"{name}.zip", path / name):
        if place.exists():
            return open_archive(place)
    raise DataError(f"{path} holds no {name}.zip.", hint="Put the three published archives there.")


def _drawings(archive: Archive, part: str) -> tuple[Drawing, ...]:
    found = []
    for name in archive.sizes:
        place = PurePosixPath(name)
        if place.suffix != ".png":
            continue
        try:
            alphabet, character = place.parts[-3:-1]
            found.append(Drawing(name, alphabet, f"{alphabet}/{character}", int(place.stem.split("_")[1])))
        except (ValueError, IndexError) as error:
            raise DataError(f"{archive.path} holds {name!r}.", hint="Fetch it again.") from error
    alphabets = {drawing.alphabet for drawing in found}
    characters = {drawing.character for drawing in found}
    if len(alphabets) != ALPHABETS[part] or len(found) != len(characters) * DRAWERS:
        raise DataError(
            f"{archive.path} has {len(alphabets)} alphabets and {len(found)} drawings of {len(characters)} "
            f"characters, not {ALPHABETS[part]} and {DRAWERS} of each.",
            hint="Fetch it again.",
        )
    return tuple(found)


def _run(archive: Archive, number: int) -> Run:
    start = f"run{number:02d}/"
    prefix = next((name.split(start)[0] for name in archive.sizes if start in name), "")
    try:
        words = archive.read(f"{prefix}{start}class_labels.txt").decode().split()
        answers = dict(zip(words[::2], words[1::2], strict=True))
    except (KeyError, OSError) as error:
        raise DataError(f"{archive.path} holds no run {number}.", hint="Fetch it again.") from error
    except ValueError as error:
        raise DataError(
            f"{archive.path} has a run {number} without pairs.", hint="Fetch it again."
        ) from error
    support = sorted(set(answers.values()))
    names = (*answers, *support)
    if len(answers) != len(support) or any(f"{prefix}{name}" not in archive.sizes for name in names):
        raise DataError(f"{archive.path} has a run {number} that is not whole.", hint="Fetch it again.")
    return Run(
        support=tuple(f"{prefix}{name}" for name in support),
        probes=tuple(f"{prefix}{name}" for name in answers),
        truth=tuple(support.index(answer) for answer in answers.values()),
    )


def paper_split(omniglot: Omniglot, part: str) -> Sequence[Drawing]:
    """The split of Koch et al. (2015), section 4.1: 30 x 12, 10 x 4 and 10 x 4 alphabets by drawers.

    The paper does not name its alphabets; the ten that the official runs are drawn from are its test,
    the ten other evaluation alphabets validate.

    Args:
        omniglot: the data set.
        part: ``"train"``, ``"validation"`` or ``"test"``.
    """
    if part == "train":
        return [one for one in omniglot.background[1] if one.drawer <= 12]
    tested = part == "test"
    drawers = range(17, 21) if tested else range(13, 17)
    return [
        one
        for one in omniglot.evaluation[1]
        if (one.alphabet in RUN_ALPHABETS) == tested and one.drawer in drawers
    ]
