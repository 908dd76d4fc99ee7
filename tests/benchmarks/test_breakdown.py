from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.breakdown import PARTS, from_photo, gallery, stages
from benchmarks.steps import WHOLE
from benchmarks.timing import Timing

from benchmarks import breakdown


def test_every_stage_of_a_photo_is_timed(
    tmp_path: Path, people: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breakdown, "PEOPLE", 2)
    monkeypatch.setattr(breakdown, "milliseconds", lambda job: (job(), 10.0)[1])
    photo = next(iter(people.values()))[0]
    with gallery("faces-distilled", tmp_path / "people.db") as recognizer:
        assert len(recognizer.people()) == 2
        spent = dict.fromkeys(PARTS, 0.0)
        stages(recognizer, photo, spent)
        assert all(spent[part] > 0 for part in PARTS)
        found = from_photo(recognizer, [photo, photo], rounds=2)
    assert set(found) == {*PARTS, WHOLE}
    # Of one photo, not of both.
    assert found[WHOLE] == Timing(10, 10, 10, 2)
