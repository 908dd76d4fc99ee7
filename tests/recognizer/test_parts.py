from __future__ import annotations

import pytest

from firstsight.errors import UsageError
from firstsight.recognizer.parts import Part


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_all_parts_together_are_all_and_none_twice(count: int) -> None:
    items = list(range(11))
    parts = [Part(rank, count).of(items) for rank in range(count)]
    assert sorted(item for part in parts for item in part) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_what_was_asked_for_goes_before_what_torchrun_tells() -> None:
    told = {"RANK": "1", "WORLD_SIZE": "3"}
    assert Part.read(None, told) == Part(1, 3)
    assert Part.read("1/4", told) == Part(0, 4)
    assert Part.read("4/4", {}) == Part(3, 4)
    assert Part.read(None, {"RANK": "1"}) == Part.read(None, {}) == Part(0, 1)
    assert str(Part(1, 3)) == "2/3"


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "/", "-1/2", "a/b", "1/2/3", ""])
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(UsageError, match="no part"):
        Part.read(text, {})


@pytest.mark.parametrize("rank", ["2", "-1", "", "first"])
def test_what_no_torchrun_tells(rank: str) -> None:
    with pytest.raises(UsageError, match="WORLD_SIZE=2"):
        Part.read(None, {"RANK": rank, "WORLD_SIZE": "2"})
