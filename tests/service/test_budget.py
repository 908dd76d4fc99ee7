from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import Overloaded
from firstsight.service.budget import Budget, Gate


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


def test_threads_wait_for_what_others_hold_and_never_hold_more_together() -> None:
    gate, lock = Gate(100), threading.Lock()
    held, most = [0], []

    def work(count: int) -> None:
        with gate.held(count):
            with lock:
                held[0] += count
                most.append(held[0])
            threading.Event().wait(0.002)
            with lock:
                held[0] -= count

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [60, 30, 50, 100, 10, 40, 0, 90] * 4))
    assert len(most) == 32
    assert max(most) <= 100
    assert gate.taken == 0


def test_small_ones_do_not_keep_a_large_one_waiting_for_ever() -> None:
    gate, done = Gate(100), threading.Event()

    def small() -> bool:
        """Whether the large one's turn came while others like this one went in and out."""
        for _ in range(500):
            if done.is_set():
                return True
            with gate.held(40):
                done.wait(0.002)
        return False

    def large() -> bool:
        with gate.held(100):
            done.set()
        return True

    with ThreadPoolExecutor(4) as pool:
        ended = [pool.submit(work) for work in (small, small, large, small)]
    assert all(each.result() for each in ended)


def test_what_needs_more_than_there_is_is_done_alone_and_a_failure_gives_back() -> None:
    gate = Gate(100)
    with pytest.raises(ValueError, match="broken"), gate.held(1000):
        assert gate.taken == 100
        raise ValueError("broken")
    assert gate.taken == 0
