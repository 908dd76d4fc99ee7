from __future__ import annotations

from dataclasses import replace

import pytest

from firstsight.service import Settings
from firstsight.service import cores as cores_module
from firstsight.service.cores import limits


def test_limits_grow_with_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores_module, "cores", lambda: 2)
    two = limits()
    assert two == replace(Settings(), cores=2)
    monkeypatch.setattr(cores_module, "cores", lambda: 8)
    eight = limits(5)
    assert (eight.workers, eight.cores) == (5, 8)
    assert (eight.waiting, eight.rush) == (4 * two.waiting, 4 * two.rush)
    # Who asks for a longer line gets it, and a rush is then nothing else.
    assert (limits(3, 50).waiting, limits(3, 50).rush) == (50, 50)
