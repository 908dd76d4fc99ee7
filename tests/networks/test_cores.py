"""On how many cores networks run."""

from __future__ import annotations

import contextlib
import os

import cv2
import pytest
import torch

from firstsight.networks import cores, one_thread_each, spread


@pytest.mark.usefixtures("threads")
def test_both_libraries_are_told() -> None:
    for count in (1, 2, 1):
        spread(count)
        assert (cv2.getNumThreads(), torch.get_num_threads()) == (count, count)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("fails", [False, True])
def test_who_looks_at_photos_has_the_cores_meanwhile(fails: bool) -> None:
    cv2.setNumThreads(2)
    torch.set_num_threads(3)
    with contextlib.suppress(ZeroDivisionError), one_thread_each():
        assert (cv2.getNumThreads(), torch.get_num_threads()) == (1, 1)
        if fails:
            raise ZeroDivisionError
    assert (cv2.getNumThreads(), torch.get_num_threads()) == (2, 3)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_cores_are_those_that_this_process_may_use() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert cores() == len(allowed)
