"""The first pass over a large gallery: probes with quantised rows, by torch's own integer kernels.

A kernel takes the probes in a form of its own, coarser than they came, and says how far off its
values may be. What it says is tried once before it is used: torch does not promise these two
functions, and where one is missing or reckons otherwise the rows are turned back to floats instead.
"""

from __future__ import annotations

from functools import cache
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CHUNKS: Final = 1024
"""Row i of a block belongs to its chunk i % CHUNKS, so that maxima are taken over whole vectors."""
TILE: Final = 8 * CHUNKS
"""Rows at a time for several probes: what they give stays in the processor's cache."""
SIX_BITS: Final = 63
"""Largest number of a quantised probe: two products with 255 fit into 16 bits, as AVX2 adds them."""
OFFSET: Final = 128
"""From signed to unsigned rows."""
FLIP: Final = torch.tensor(-0x7F7F7F7F7F7F7F80)  # 0x8080808080808080
"""Adds OFFSET to eight numbers at once."""


class Kernel(Protocol):
    """Compares some probes with blocks of rows.

    For a probe q it reckons with q' instead, ``gaps`` = |q - q'| and ``sizes`` = |q'|. A value v
    that it gives for a row r is within ``rounding`` * |v| + ``float_error`` * |q'| |r| of q' r.
    """

    gaps: NDArray[np.float64]
    """(N,)"""
    sizes: NDArray[np.float64]
    """(N,)"""
    rounding: float

    def __init__(self, probes: NDArray[np.float32]) -> None: ...

    def maxima(self, codes: Tensor, scales: Tensor) -> NDArray[np.float32]:
        """The largest value of each chunk.

        Args:
            codes: (R, W) int8, R a multiple of CHUNKS and W of 32.
            scales: (R,) bfloat16: row i is codes[i] * scales[i].

        Returns:
            (N, CHUNKS).
        """


def float_error(width: int) -> float:
    """What single precision may lose in an inner product of that many numbers, scaled; with room."""
    return (width + 16) * 2.0**-23


class Floats:
    """Rows turned back to floats: works everywhere."""

    rounding = 0.0

    def __init__(self, probes: NDArray[np.float32]) -> None:
        self._probes = torch.from_numpy(probes).T.contiguous()
        self.sizes = np.linalg.norm(probes.astype(np.float64), axis=1)
        self.gaps = np.zeros(len(probes))

    def maxima(self, codes: Tensor, scales: Tensor) -> NDArray[np.float32]:
        """As every kernel."""
        return _tiled(codes, scales, lambda tile: tile.float() @ self._probes)


class OneProbe:
    """A single probe in bfloat16: one pass over the rows, as fast as memory gives them."""

    rounding = 2.0**-8 / (1 - 2.0**-8)
    """Of a value, when it is written as bfloat16."""

    def __init__(self, probes: NDArray[np.float32]) -> None:
        self._probe = torch.from_numpy(probes).bfloat16()
        self.gaps, self.sizes = _difference(probes, self._probe.double().numpy())

    def maxima(self, codes: Tensor, scales: Tensor) -> NDArray[np.float32]:
        """As every kernel."""
        found: Tensor = torch._weight_int8pack_mm(self._probe, codes, scales)
        return found.view(-1, CHUNKS).amax(0, keepdim=True).float().numpy()


class ManyProbes:
    """Several probes in integers of six bits and a sign; their inner products are exact."""

    rounding = 0.0

    def __init__(self, probes: NDArray[np.float32]) -> None:
        count, width = probes.shape
        largest = np.abs(probes.astype(np.float64)).max(axis=1, keepdims=True)
        self._steps = np.maximum(largest, np.finfo(np.float32).tiny) / SIX_BITS
        whole = np.rint(probes / self._steps).astype(np.int8)
        self.gaps, self.sizes = _difference(probes, whole * self._steps)
        weights = torch.from_numpy(whole)
        self._packed = torch.ops.onednn.qlinear_prepack(weights, [TILE, width])
        self._ones, self._zeros = torch.ones(count), torch.zeros(count, dtype=torch.int32)
        self._shift = -OFFSET * weights.sum(1, dtype=torch.int32).float()

    def maxima(self, codes: Tensor, scales: Tensor) -> NDArray[np.float32]:
        """As every kernel."""
        largest = _tiled(codes, scales, self._products)
        return np.asarray(largest * self._steps, np.float32)

    def _products(self, tile: Tensor) -> Tensor:
        unsigned = (tile.view(torch.int64) ^ FLIP).view(torch.uint8)
        quantised = (unsigned, 1.0, 0, self._packed, self._ones, self._zeros, self._shift)
        found: Tensor = torch.ops.onednn.qlinear_pointwise(*quantised, 1.0, 0, torch.float32, "none", [], "")
        return found


def kernel_for(probes: NDArray[np.float32]) -> Kernel:
    """The quickest that works here, for (N, W) float32."""
    best: type[Kernel] = OneProbe if len(probes) == 1 else ManyProbes
    return best(probes) if works(best) else Floats(probes)


@cache
def works(kernel: type[Kernel]) -> bool:
    """Whether a kernel exists here and keeps to what it says, also for the largest numbers."""
    draw = np.random.default_rng(0)
    codes = draw.integers(-127, 128, (TILE + CHUNKS, 32), np.int8)
    codes[:CHUNKS], codes[TILE : TILE + 64] = 127, -127
    scales = torch.from_numpy(draw.uniform(0.5, 1, len(codes))).bfloat16()
    probes = draw.normal(size=(1 if kernel is OneProbe else 5, 32)).astype(np.float32)
    probes[0] = 1
    rows = codes * scales.double().numpy()[:, None]
    sure = (rows @ probes.astype(np.float64).T).reshape(-1, CHUNKS, len(probes)).max(0).T
    try:
        tried = kernel(probes)
        found = tried.maxima(torch.from_numpy(codes), scales)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):
        return False
    longest = np.linalg.norm(rows, axis=1).max()
    allowed = (tried.gaps + float_error(32) * tried.sizes)[:, None] * longest
    return bool((np.abs(found - sure) <= allowed + tried.rounding * np.abs(found)).all())


def _difference(
    probes: NDArray[np.float32], taken: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.linalg.norm(probes - taken, axis=1), np.linalg.norm(taken, axis=1)


class _Products(Protocol):
    def __call__(self, tile: Tensor) -> Tensor: ...


def _tiled(codes: Tensor, scales: Tensor, products: _Products) -> NDArray[np.float32]:
    """Maxima of chunks, a tile at a time: (N, CHUNKS)."""
    largest: Tensor | None = None
    for start in range(0, len(codes), TILE):
        tile = products(codes[start : start + TILE])
        tile.mul_(scales[start : start + TILE, None].float())
        tops = tile.view(-1, CHUNKS, tile.shape[1]).amax(0)
        largest = tops if largest is None else torch.maximum(largest, tops)
    assert largest is not None  # noqa: S101 - a block has rows
    return largest.T.contiguous().numpy()
