from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from firstsight.errors import UsageError
from firstsight.images import Limits
from firstsight.service import Settings

NUMBERS = [one.name for one in fields(Settings) if one.name != "photo"]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_limit_that_allows_nothing_or_everything_is_refused(name: str, value: float) -> None:
    wrong: dict[str, Any] = {name: value}
    with pytest.raises(UsageError, match=name):
        replace(Settings(), **wrong)


@pytest.mark.parametrize("limits", [Limits(bytes=0), Limits(pixels=0)])
def test_so_is_one_of_a_photo(limits: Limits) -> None:
    with pytest.raises(UsageError, match="photo"):
        Settings(photo=limits)


def test_a_rate_so_small_that_its_wait_has_no_number() -> None:
    with pytest.raises(UsageError, match="rate"):
        Settings(rate=1e-320)
    with pytest.raises(UsageError, match="burst"):
        Settings(burst=0.5)  # type: ignore[arg-type]


def test_what_is_given_by_default_is_allowed() -> None:
    assert Settings() == Settings(photo=Limits(bytes=16 * 2**20, pixels=50_000_000))
    assert Settings(rate=0.001, burst=1, waiting=1, workers=1).rate == 0.001
