"""In which numbers a run computes: bf16 pays only where the processor has instructions for it."""

from __future__ import annotations

from typing import Final

import torch

INSTRUCTIONS: Final = ("avx512_bf16", "amx_bf16")
"""Of processors that compute in bf16, by torch's names."""


def mixed(asked: str, device: torch.device) -> bool:
    """Whether to compute in bf16 what may be computed in it.

    Elsewhere bf16 is emulated, three to a hundred times slower than fp32, and fp32 takes its place: the same
    run, more exactly. AVX-512 alone is not enough: it came years before its instructions for bf16.

    Args:
        asked: ``Recipe.precision``.
        device: that computes.
    """
    if asked != "bf16":
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return any(able.get(name, False) for name in INSTRUCTIONS)
