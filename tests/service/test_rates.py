from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import RateLimited
from firstsight.service.rates import Rates


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def passes(rates: Rates, key_id: int = 1) -> bool:
    try:
        rates.take(key_id)
    except RateLimited:
        return False
    return True


# In binary fractions, sums of times and rates are exact.
EIGHTHS = st.integers(0, 40).map(lambda count: count / 8)
SOME_RATES = st.integers(1, 80).map(lambda count: count / 8)


@given(rate=SOME_RATES, burst=st.integers(1, 8), pauses=st.lists(EIGHTHS, max_size=60))
def test_never_more_than_the_burst_and_what_time_brings(rate: float, burst: int, pauses: list[float]) -> None:
    """In any window, wherever it begins."""
    clock = Clock()
    rates, taken = Rates(rate, burst, clock), []
    for pause in pauses:
        clock.now += pause
        if passes(rates):
            taken.append(clock.now)
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], first):
            assert last - first + 1 <= burst + rate * (end - begin)


@given(rate=SOME_RATES, burst=st.integers(1, 8), pauses=st.lists(EIGHTHS, max_size=60))
def test_nobody_is_refused_who_keeps_to_it(rate: float, burst: int, pauses: list[float]) -> None:
    """A request is refused only where one more would have been too many in some window."""
    clock = Clock()
    rates = Rates(rate, burst, clock)
    taken: list[float] = []
    for pause in pauses:
        clock.now += pause
        fits = all(
            len(taken) - first + 1 <= burst + rate * (clock.now - begin) for first, begin in enumerate(taken)
        )
        assert passes(rates) == fits
        if fits:
            taken.append(clock.now)


@given(
    rate=st.floats(0.01, 500),
    burst=st.integers(1, 50),
    pauses=st.lists(st.floats(0, 5), max_size=20),
)
def test_who_comes_back_when_told_is_let_in(rate: float, burst: int, pauses: list[float]) -> None:
    clock = Clock()
    rates = Rates(rate, burst, clock)
    for pause in pauses:
        clock.now += pause
        passes(rates)
    while passes(rates):
        pass
    with pytest.raises(RateLimited) as refused:
        rates.take(1)
    wait = refused.value.retry_after
    assert wait is not None
    assert wait >= 1
    assert f"{wait} s" in refused.value.hint
    # A millionth of a second for what the sums round.
    clock.now += wait + 1e-6
    assert passes(rates)


def test_the_wait_is_no_longer_than_it_must_be() -> None:
    clock = Clock()
    rates = Rates(0.25, 1, clock)
    rates.take(1)
    with pytest.raises(RateLimited) as refused:
        rates.take(1)
    assert refused.value.retry_after == 4
    clock.now += 2.5
    with pytest.raises(RateLimited) as refused:
        rates.take(1)
    assert refused.value.retry_after == 2


def test_refused_requests_cost_nothing() -> None:
    """Who asks too often is late by that, not for ever."""
    clock = Clock()
    rates = Rates(1, 1, clock)
    rates.take(1)
    for _ in range(7):
        clock.now += 0.125
        assert not passes(rates)
    clock.now += 0.125
    assert passes(rates)


def test_a_long_rest_saves_no_more_than_the_burst() -> None:
    clock = Clock()
    rates = Rates(10, 3, clock)
    rates.take(1)
    clock.now += 1e6
    assert [passes(rates) for _ in range(5)] == [True, True, True, False, False]


def test_each_key_has_its_own() -> None:
    rates = Rates(1, 2, Clock())
    assert [passes(rates, 1) for _ in range(3)] == [True, True, False]
    assert [passes(rates, 2) for _ in range(3)] == [True, True, False]


def test_threads_get_no_more_together() -> None:
    rates = Rates(1, 50, Clock())
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: passes(rates), range(400))) == 50
