from __future__ import annotations

import pytest
import torch

from firstsight.training.precision import mixed

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capability", "expected"), [("AVX512", True), ("AVX512_VNNI", True), ("AVX2", False), ("DEFAULT", False)]
)
def test_bf16_is_for_processors_that_have_it(
    monkeypatch: pytest.MonkeyPatch, capability: str, expected: bool
) -> None:
    """Emulated, a step takes minutes."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert mixed("bf16", CPU) is expected


def test_who_asks_for_fp32_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert mixed("fp32", CPU) is False
