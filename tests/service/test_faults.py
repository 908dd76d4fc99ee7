from __future__ import annotations

import pytest

from firstsight.service import faults


class Odd(Exception):
    pass


def broken(name: str) -> None:
    try:
        raise ValueError(f"{name} cannot be")
    except ValueError as error:
        raise Odd(name) from error


def test_kinds_and_places_in_order_without_what_was_said() -> None:
    name = "Zebediah"
    with pytest.raises(Odd) as caught:
        broken(name)
    told = faults.told(caught.value)
    assert name not in told
    assert told.index("builtins.ValueError") < told.index(f"{Odd.__module__}.Odd")
    assert "in broken" in told
    assert "raise Odd(name)" in told


def test_what_was_hidden_stays_hidden_and_circles_end() -> None:
    try:
        try:
            raise KeyError("x")
        except KeyError:
            raise Odd from None
    except Odd as error:
        assert "KeyError" not in faults.told(error)
        error.__cause__ = error
        assert faults.told(error).count(f"{Odd.__module__}.Odd") == 1
