"""In which numbers a run computes: bf16 pays only where the processor has instructions for it."""

from __future__ import annotations

import torch


def mixed(asked: str, device: torch.device) -> bool:
    """Whether to compute in bf16 what may be computed in it.

    Elsewhere bf16 is emulated, some hundred times slower than fp32, and fp32 takes its place: the same
    run, more exactly.

    Args:
        asked: ``Recipe.precision``.
        device: that computes.
    """
    if asked != "bf16":
        return False
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512")
