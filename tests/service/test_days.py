from __future__ import annotations

from datetime import date

import pytest

from firstsight.service.days import read_day


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
