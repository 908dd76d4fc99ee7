from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.errors import NoFace, UsageError
from firstsight.models import Model
from firstsight.recognizer.pipeline import AHEAD, FEW, Done, Seen, embed_each

PATIENCE = 30.0
"""Seconds after which a test gives up."""


class Means:
    """Stands for a model: a crop's template is its mean."""

    dimension = 1

    def __init__(self) -> None:
        self.calls: list[int] = []

    def embed(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls.append(len(crops))
        return np.asarray(crops.reshape(len(crops), -1).mean(axis=1, keepdims=True), np.float32)


@pytest.fixture
def means() -> Means:
    return Means()


@pytest.fixture
def model(means: Means) -> Model:
    return cast(Model, means)


def crops(*values: int) -> NDArray[np.uint8]:
    return np.repeat(np.array(values, np.uint8), 3).reshape(-1, 1, 1, 3)


def test_answers_come_in_order_whatever_takes_long(model: Model) -> None:
    later = threading.Event()

    def look(item: int) -> Seen[str]:
        if item == 0:
            assert later.wait(PATIENCE)  # another thread gets at least so far meanwhile
        if item == 3 * FEW:
            later.set()
        return Seen(crops(item), f"kept {item}")

    done = list(embed_each(model, range(5 * FEW + 1), look, workers=2))
    assert [each.item for each in done] == list(range(5 * FEW + 1))
    assert [each.kept for each in done] == [f"kept {item}" for item in range(5 * FEW + 1)]
    assert [each.embeddings.tolist() for each in done] == [[[item]] for item in range(5 * FEW + 1)]


def test_each_gets_the_rows_of_its_own_crops(model: Model, means: Means) -> None:
    def look(item: int) -> Seen[int]:
        if item % 5 == 4:
            raise NoFace("Nobody.")
        if item % 5 == 3:
            return Seen(None, item)
        return Seen(crops(*[10 * item + place for place in range(item % 5)]), item)

    done = list(embed_each(model, range(20), look, workers=1))
    for each in done:
        count = each.item % 5
        assert (each.kept, type(each.error)) == ((None, NoFace) if count == 4 else (each.item, type(None)))
        expected = [[10 * each.item + place] for place in range(count % 4 if count < 3 else 0)]
        assert each.embeddings.tolist() == expected
    assert len(means.calls) == 3  # a call for every few photos


def test_an_error_that_is_no_photo_s_ends_it(model: Model) -> None:
    def look(item: int) -> Seen[int]:
        if item == 2 * FEW:
            raise UsageError("Cannot be meant.")
        return Seen(None, item)

    running = embed_each(model, range(100 * FEW), look, workers=2)
    assert [next(running).item for _ in range(2 * FEW)] == list(range(2 * FEW))
    with pytest.raises(UsageError):
        next(running)


def test_only_so_many_are_taken_ahead(model: Model) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(10_000):
            taken += 1
            yield item

    workers = 2
    for number, _ in enumerate(embed_each(model, items(), lambda item: Seen(None, item), workers=workers)):
        assert taken <= number + AHEAD * workers * FEW + FEW
    assert taken == 10_000


def test_what_is_closed_stops(model: Model) -> None:
    looked: list[int] = []

    def look(item: int) -> Seen[int]:
        looked.append(item)
        return Seen(crops(item % 256), item)

    threads = threading.active_count()
    running = embed_each(model, iter(range(10**9)), look, workers=2)
    assert isinstance(next(running), Done)
    running.close()
    assert threading.active_count() == threads
    count = len(looked)
    assert count <= AHEAD * 2 * FEW + FEW
    assert list(running) == []
    assert len(looked) == count


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process")
def test_ctrl_c_stops_while_photos_are_waited_for(model: Model) -> None:
    def look(item: int) -> Seen[int]:
        time.sleep(0.01)
        return Seen(None, item)

    threads = threading.active_count()
    # A run in the background of a shell ignores it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    watch = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    watch.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            for each in embed_each(model, iter(range(10**9)), look, workers=2):
                assert each.item < PATIENCE * 1000
        watch.join()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert threading.active_count() == threads
