from __future__ import annotations

from benchmarks.timing import Timing, compare


def test_a_timing_tells_the_middle_and_both_ends() -> None:
    found = Timing.of([5.0, 1.0, 2.0])
    assert found.as_json() == {"median_ms": 2.0, "fastest_ms": 1.0, "slowest_ms": 5.0, "rounds": 3}


def test_work_takes_turns_after_a_round_that_does_not_count() -> None:
    called: list[str] = []
    found = compare({"one": lambda: called.append("one"), "two": lambda: called.append("two")}, 3)
    assert called == ["one", "two"] * 4
    assert found["one"].rounds == 3
