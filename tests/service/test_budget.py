from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import Overloaded
from firstsight.service.budget import Budget


def test_beyond_the_whole_is_refused_until_some_is_given_back() -> None:
    budget = Budget(100, retry_after=7)
    first = budget.take(60)
    second = budget.take(40)
    with pytest.raises(Overloaded) as refused:
        budget.take(1)
    assert refused.value.retry_after == 7
    first.keep(10)
    assert budget.taken == 50
    third = budget.take(50)
    second.release()
    third.release()
    assert budget.taken == 10


def test_one_alone_is_taken_however_large() -> None:
    """Otherwise a limit above the whole would allow what could never be sent."""
    budget = Budget(100, 1)
    share = budget.take(1000)
    with pytest.raises(Overloaded):
        budget.take(1)
    share.release()
    assert budget.taken == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 80), st.booleans()), max_size=30))
def test_never_more_than_the_whole_and_in_the_end_nothing(steps: list[tuple[int, int, bool]]) -> None:
    budget, shares = Budget(100, 1), []
    for count, kept, twice in steps:
        try:
            share = budget.take(count)
        except Overloaded:
            assert budget.taken + count > 100
            continue
        shares.append(share)
        share.keep(kept)
        assert 0 <= budget.taken <= 100
        if twice:
            share.release()
            share.release()
    for share in shares:
        share.release()
    assert budget.taken == 0
