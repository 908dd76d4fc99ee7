from __future__ import annotations

import pytest
import torch

from firstsight.training.precision import mixed

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": True}, True),
        # A server of before 2020: wide, and without an instruction for it.
        ({"avx512_f": True, "avx512_vnni": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"architecture": "aarch64"}, False),
    ],
)
def test_bf16_is_for_processors_that_have_it(
    monkeypatch: pytest.MonkeyPatch, able: dict[str, bool], expected: bool
) -> None:
    """Emulated, a step takes up to minutes."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert mixed("bf16", CPU) is expected


def test_torch_knows_these_names() -> None:
    """A name that it gives up would turn bf16 off everywhere, without a word."""
    able = torch.cpu.get_capabilities()
    if able["architecture"] != "x86_64":
        pytest.skip("only processors of this kind have them")
    assert {"avx512_bf16", "amx_bf16"} <= able.keys()


def test_who_asks_for_fp32_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert mixed("fp32", CPU) is False
