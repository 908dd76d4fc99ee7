from __future__ import annotations

from datetime import date, timedelta

import pytest

from firstsight.service.days import coming_day, read_day, today


def test_a_day_as_it_is_written() -> None:
    assert read_day("2027-12-31") == date(2027, 12, 31)


@pytest.mark.parametrize(
    "value",
    [
        0,
        86400.0,
        True,
        None,
        "",
        "0",
        "20271231",
        "2027-W52-5",
        "2027-13-01",
        "2027-12-31T00:00",
        "2027-2-28",
    ],
)
def test_nothing_else_is_a_day(value: object) -> None:
    """Taken for one of 1970, it would have somebody erased within the hour."""
    with pytest.raises(ValueError, match="2027-12-31"):
        read_day(value)


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_day_to_come_may_be_today(days: int) -> None:
    day = today() + timedelta(days)
    assert coming_day(day.isoformat()) == day


@pytest.mark.parametrize("days", [1, 10_000])
def test_a_day_that_has_passed_is_none_to_come(days: int) -> None:
    with pytest.raises(ValueError, match=r"before today.* \(UTC\)"):
        coming_day((today() - timedelta(days)).isoformat())


def test_a_day_to_come_is_written_as_any_day() -> None:
    with pytest.raises(ValueError, match="2027-12-31"):
        coming_day(0)
