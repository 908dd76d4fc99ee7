"""One-shot classification of characters: seen once in one hand, known again in another.

Letters of four scripts, printed in one typeface, are the support set; the same letters, slanted, turned and
in another typeface, are the probes. The twin `omniglot-modern` was trained on other alphabets.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from firstsight import open_model
from firstsight.recognizer import Encoder, classify

LETTERS = "ΓΔΘΛΞΠΣΦΨΩБДЖЗЮЯԲԳԶԹ"
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def printed(letter: str, font: str, shear: float = 0.0, angle: float = 0.0) -> np.ndarray:
    """A letter, black on white."""
    page = Image.new("L", (105, 105), 255)
    face = ImageFont.truetype(FONTS / font, 62)
    ImageDraw.Draw(page).text((52, 52), letter, 0, face, anchor="mm")
    page = page.transform(page.size, Image.Transform.AFFINE, (1, shear, -52 * shear, 0, 1, 0), fillcolor=255)
    return np.asarray(page.rotate(angle, fillcolor=255).convert("RGB"))


def main() -> None:
    """Classify each letter among all, from one picture of each."""
    draw = np.random.default_rng(0)
    support = {letter: printed(letter, "DejaVuSans.ttf") for letter in LETTERS}
    probes = [
        printed(letter, "DejaVuSans-Bold.ttf", draw.uniform(-0.3, 0.3), draw.uniform(-12, 12))
        for letter in LETTERS
    ]
    answers = classify(Encoder(open_model("omniglot-modern")), probes, support)
    for letter, answer in zip(LETTERS, answers, strict=True):
        (best, similarity), (second, _) = answer.ranking[:2]
        print(f"{letter} -> {best} ({similarity:.2f}), then {second}")
    right = sum(answer.person == letter for letter, answer in zip(LETTERS, answers, strict=True))
    print(f"{right} of {len(LETTERS)} right")


if __name__ == "__main__":
    main()
