"""Networks are lent to one thread at a time, and made quietly."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import pytest

from firstsight.networks import ByThreads, Lent, spread


def counted() -> tuple[Lent[object], list[object]]:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    return Lent(make), made


def test_one_after_another_uses_the_same() -> None:
    lent, made = counted()
    for _ in range(3):
        with lent.one() as network:
            assert network is made[0]
    assert len(made) == 1


def test_nobody_shares_one_with_another() -> None:
    lent, made = counted()
    all_have_one = threading.Barrier(3, timeout=30)

    def use(_: int) -> object:
        with lent.one() as network:
            all_have_one.wait()
            return network

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(use, range(3)))) == 3
        assert len(set(pool.map(use, range(3)))) == 3
    assert len(made) == 3


def test_one_that_failed_is_not_lent_again() -> None:
    lent, made = counted()
    with pytest.raises(ZeroDivisionError), lent.one():
        raise ZeroDivisionError
    with lent.one() as network:
        assert network is made[1]


def test_the_level_of_the_log_is_as_before() -> None:
    before = cv2.utils.logging.getLogLevel()
    with Lent(cv2.utils.logging.getLogLevel).one() as meanwhile:
        assert meanwhile == cv2.utils.logging.LOG_LEVEL_ERROR
    assert cv2.utils.logging.getLogLevel() == before


@pytest.mark.usefixtures("threads")
def test_one_is_made_for_each_number_of_threads_and_kept() -> None:
    made: list[int] = []

    def make(threads: int) -> object:
        made.append(threads)
        return object()

    by_threads = ByThreads(make)
    found = []
    for threads in (2, 1, 2):
        spread(threads)
        found.append(by_threads.now())
    assert found[0] is found[2] is not found[1]
    assert made == [2, 1]
