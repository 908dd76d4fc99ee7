from __future__ import annotations

from contextlib import ExitStack

import pytest

from firstsight.errors import Overloaded
from firstsight.service import Settings
from firstsight.service.line import Line

SETTINGS = Settings(workers=2, waiting=4, rush=10, rush_seconds=1)


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def let_in(line: Line, inside: ExitStack, count: int) -> int:
    """How many of so many get a place."""
    for number in range(count):
        try:
            inside.enter_context(line.place())
        except Overloaded:
            return number
    return count


def test_a_rush_is_let_wait_and_no_more() -> None:
    line = Line(SETTINGS, Clock())
    with ExitStack() as inside:
        assert let_in(line, inside, 20) == 10
        with pytest.raises(Overloaded) as refused:
            line.check()
        assert refused.value.retry_after == 1
    assert line.depth == 0


def test_who_goes_on_asking_finds_a_short_line() -> None:
    """For as long as it lasts: only an empty line lets a rush in again."""
    clock = Clock()
    line = Line(SETTINGS, clock)
    with ExitStack() as inside:
        assert let_in(line, inside, 3) == 3
        clock.now += 1.1
        assert let_in(line, inside, 20) == 1
        clock.now += 1.1
        assert let_in(line, inside, 20) == 0
    # It is empty by chance: those who were sent away are on their way back.
    clock.now += 1.1
    with ExitStack() as inside:
        assert let_in(line, inside, 20) == 4
    clock.now += 60
    with ExitStack() as inside:
        assert let_in(line, inside, 20) == 10


def test_a_rush_does_not_go_on() -> None:
    clock = Clock()
    line = Line(SETTINGS, clock)
    with ExitStack() as inside:
        assert let_in(line, inside, 6) == 6
        clock.now += 1.1
        # More are inside than may be now: they stay, and nobody else comes.
        assert line.depth == 6
        with pytest.raises(Overloaded):
            line.check()


def test_to_look_takes_no_place_and_leaving_gives_it_back() -> None:
    line = Line(Settings(waiting=1, rush=1), Clock())
    for _ in range(3):
        line.check()
    with pytest.raises(ValueError, match="broken"), line.place():
        assert line.depth == 1
        raise ValueError("broken")
    assert line.depth == 0


def test_a_rush_is_never_shorter_than_the_line() -> None:
    with ExitStack() as inside:
        assert let_in(Line(Settings(waiting=5, rush=1), Clock()), inside, 20) == 5
