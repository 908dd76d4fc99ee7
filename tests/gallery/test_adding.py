from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from firstsight.gallery.adding import united
from firstsight.gallery.records import Person

ADA = Person(1, "Ada", datetime(2026, 1, 1, tzinfo=UTC), "", None, "", 1)
EARLY, LATE = date(2030, 1, 1), date(2031, 1, 1)


def test_who_stays_is_told_first_and_who_goes_fills_what_is_missing() -> None:
    kept, gone = replace(ADA, consent="by mail"), replace(ADA, consent="by word", notes="door 2")
    assert united(kept, gone) == ("by mail", None, "door 2")
    assert united(gone, kept) == ("by word", None, "door 2")


@pytest.mark.parametrize(
    ("kept", "gone", "day"),
    [(EARLY, LATE, EARLY), (LATE, EARLY, EARLY), (None, LATE, LATE), (LATE, None, LATE), (None, None, None)],
)
def test_the_earlier_day_holds(kept: date | None, gone: date | None, day: date | None) -> None:
    assert united(replace(ADA, retain_until=kept), replace(ADA, retain_until=gone))[1] == day
