"""What the tests of networks share."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import pytest
import torch


@pytest.fixture
def threads() -> Iterator[None]:
    """What they were before is set again."""
    opencv, pytorch = cv2.getNumThreads(), torch.get_num_threads()
    yield
    cv2.setNumThreads(opencv)
    torch.set_num_threads(pytorch)
