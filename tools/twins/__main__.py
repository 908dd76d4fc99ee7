"""From a finished run to the model file that ships: ``python -m tools.twins RUN``.

Weights, preprocessing and calibration stay as they are; the card gets the terms of the data and what one
should know of the twin. The report of the run goes to ``docs/results``.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Final

from firstsight.models.file import ENDING, read_twin, write_twin
from firstsight.training.outcome import MODEL, REPORT

ROOT: Final = Path(__file__).parents[2]
TERMS: Final = {
    "omniglot-modern": (
        "MIT",
        "Single characters in dark ink on light paper, which fill the picture; not handwriting in lines.",
    ),
    "lfw-only": (
        "research only",
        "Learnt from 9,525 press photographs of 4,038 people: for study, far below what models know that "
        "were trained on millions.",
    ),
    "faces-distilled": (
        "non-commercial research (CelebA); its teacher: Apache-2.0",
        "A quarter of sface, taught by it on photos of CelebA's celebrities: small, and less sure than its "
        "teacher, whose training data are not documented. Not measured on children, profiles or masks.",
    ),
}
"""Licence and limits of each twin that ships."""


def main() -> None:
    """Copy the model with its card, and the report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("run", type=Path, help="folder of a finished run")
    run: Path = options.parse_args().run
    twin = read_twin(run / MODEL)
    licence, limits = TERMS[twin.name]
    title = twin.card.title.rstrip(".")
    card = replace(twin.card, title=title, licence=licence, limits=limits)
    path = ROOT / "src" / "firstsight" / "models" / "twins" / f"{twin.name}{ENDING}"
    write_twin(path, replace(twin, card=card))
    shutil.copy(run / REPORT, ROOT / "docs" / "results" / f"{twin.name}-training.json")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB, weights {twin.digest[:12]}")


if __name__ == "__main__":
    main()
