"""A large gallery in a quarter of its memory, and who of it cannot be ruled out.

Each row x is kept as z * s: z are whole numbers from -127 to 127, s is one scale for the row, and
``radius`` is the length of x - z * s. By Cauchy and Schwarz the inner product of x with a probe q is
within |q| * radius of that of z * s with q. A first pass gives each chunk of rows an upper bound;
what may be among the best is bounded row by row; and what then may still be among them is *survivors*,
whose own similarity the caller reckons from the file. Nobody is ruled out without such a proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from firstsight.gallery.bounds import Bounds
from firstsight.gallery.scanning import CHUNKS, float_error, kernel_for

DEPTH: Final = 64
"""Rows of a chunk."""
ROWS: Final = CHUNKS * DEPTH
"""Rows of a block; a gallery grows by whole blocks, and no row is ever copied."""
NOBODY: Final = -1
"""Person of a row that was erased or is not used yet."""
FEW: Final = 4
"""Chunks that are looked at first for each of the k best people."""
AT_A_TIME: Final = 256
"""Chunks turned back to floats in one go (8 MiB of them for 128 dimensions)."""


Piece = tuple[int, slice]
"""Some rows of a block."""


class Block:
    """ROWS rows; those not used yet are zeros, which take no memory before they are written."""

    def __init__(self, width: int) -> None:
        self.codes = np.zeros((ROWS, width), np.int8)
        self.scales = np.zeros(ROWS, np.float32)
        """Each of them is one that bfloat16 holds exactly."""
        self.radii = np.zeros(ROWS, np.float32)
        self.template_ids = np.zeros(ROWS, np.int64)
        self.person_ids = np.full(ROWS, NOBODY, np.int64)
        self.widest = np.zeros(CHUNKS, np.float32)
        """(CHUNKS,) the largest radius of each chunk."""
        # The same memory, as the kernels take it.
        self.kernel_codes = torch.from_numpy(self.codes)
        self.kernel_scales = torch.zeros(ROWS, dtype=torch.bfloat16)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """The first pass of some probes."""

    probes: NDArray[np.float32]
    """(N, W)"""
    above: NDArray[np.float32]
    """(N, chunks): no row of the chunk is more similar than that."""
    count: int
    """How many rows there were."""


class CoarseIndex:
    """Templates of a large gallery, for inner products.

    Unlike ``Index`` it changes in place, and whoever changes it or asks for survivors does so one at
    a time. A scan may go on meanwhile: rows that come are looked at by ``survivors``, those that go
    only make it look at too many.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._width = -(-dimension // 32) * 32
        self._error = float_error(self._width)
        self._blocks: list[Block] = []
        self._longest = 0.0
        self.count = 0
        """Rows, with those that were erased."""
        self.holes = 0
        """Rows of nobody."""
        self.unchecked = 0
        """That many of the first rows were not compared with the file since its last edit."""

    def append(
        self,
        template_ids: NDArray[np.int64],
        person_ids: NDArray[np.int64],
        embeddings: NDArray[np.float32],
    ) -> None:
        """More templates: (A,), above all that are here; (A,); (A, D)."""
        done = 0
        while done < len(template_ids):
            if self.count == ROWS * len(self._blocks):
                self._blocks.append(Block(self._width))
            # Few at a time, so that what is reckoned stays in the processor's cache.
            some = slice(done, done + CHUNKS - self.count % CHUNKS)
            self._write(template_ids[some], person_ids[some], embeddings[some])
            done = some.stop

    def _write(
        self,
        template_ids: NDArray[np.int64],
        person_ids: NDArray[np.int64],
        embeddings: NDArray[np.float32],
    ) -> None:
        """Rows that fit before the next CHUNKS begin."""
        block = self._blocks[-1]
        place = slice(self.count % ROWS, self.count % ROWS + len(embeddings))
        rows = torch.from_numpy(np.array(embeddings, np.float32))
        # Rounded up to what bfloat16 holds exactly, so that no number passes 127.
        largest = torch.maximum(rows.amax(1), -rows.amin(1))
        scales = (largest * ((1 + 2.0**-7) / 127)).clamp_(min=2.0**-100).bfloat16()
        wide = scales.float()[:, None]
        codes = (rows / wide).round_()
        block.kernel_codes[place, : self._dimension] = codes
        block.kernel_scales[place] = scales
        block.scales[place] = wide[:, 0].numpy()
        lengths = _lengths(rows)
        self._longest = max(self._longest, float(lengths.max()) * (1 + 2.0**-16))
        # The radius itself is reckoned in single precision: a little more, to be sure.
        radii = _lengths(rows.sub_(codes.mul_(wide))) * np.float32(1 + 2.0**-14) + lengths * np.float32(
            2.0**-22
        )
        block.radii[place] = radii
        widest = block.widest[place.start % CHUNKS :][: len(radii)]
        np.maximum(widest, radii, out=widest)
        block.template_ids[place] = template_ids
        block.person_ids[place] = person_ids
        self.count += len(radii)

    def scan(self, probes: NDArray[np.float32]) -> Scan:
        """Look at every row, for (N, D) finite probes."""
        count = self.count
        # There may be one more, whose rows are being written: they count afterwards.
        blocks = self._blocks[: -(-count // ROWS)]
        padded = np.zeros((len(probes), self._width), np.float32)
        padded[:, : self._dimension] = probes
        kernel = kernel_for(padded)
        tops = []
        for number, block in enumerate(blocks):
            used = min(ROWS, -(-(count - number * ROWS) // CHUNKS) * CHUNKS)
            tops.append(kernel.maxima(block.kernel_codes[:used], block.kernel_scales[:used]))
        found = np.concatenate(tops, axis=1)
        widest = np.concatenate([block.widest for block in blocks])
        # Rounding here is far below what ``float_error`` leaves room for.
        wide = widest + np.float32(self._error) * (np.float32(self._longest) + widest)
        above = found + np.float32(kernel.rounding) * np.abs(found)
        above += kernel.sizes.astype(np.float32)[:, None] * wide
        above += (kernel.gaps * self._longest * (1 + 2.0**-22)).astype(np.float32)[:, None]
        return Scan(padded, np.asarray(above, np.float32), count)

    def survivors(self, scan: Scan, which: int, k: int) -> NDArray[np.int64]:
        """Rows among which the k most similar people's best are, ascending, for one probe of a scan."""
        above, probe = scan.above[which], scan.probes[which]
        late = self._late(scan.count)
        first = min(len(above), FEW * k)
        while True:
            part = np.argpartition(above, len(above) - first)[len(above) - first :]
            seen = self._bounded(probe, late + self._pieces(part, scan.count))
            floor = seen.floor(k)
            if floor > -np.inf or first == len(above):
                break
            first = min(len(above), 8 * first)
        unseen = above >= floor
        unseen[part] = False
        if unseen.any():
            seen = seen.and_those(self._bounded(probe, self._pieces(np.flatnonzero(unseen), scan.count)))
        return seen.kept(k, sure=not self.unchecked)

    def _late(self, count: int) -> list[Piece]:
        """All rows from ``count`` on."""
        pieces = []
        while count < self.count:
            number, place = divmod(count, ROWS)
            taken = min(ROWS - place, self.count - count)
            pieces.append((number, slice(place, place + taken)))
            count += taken
        return pieces

    def _pieces(self, chunks: NDArray[np.intp], count: int) -> list[Piece]:
        """The rows of some chunks, as far as they were there when ``count`` rows were."""
        return [
            (number, slice(chunk, min(ROWS, count - number * ROWS), CHUNKS))
            for number, chunk in (divmod(each, CHUNKS) for each in chunks.tolist())
        ]

    def _bounded(self, probe: NDArray[np.float32], pieces: list[Piece]) -> Bounds:
        """How similar the templates of somebody in these pieces may be."""
        size = float(np.linalg.norm(probe.astype(np.float64)))
        parts = []
        for start in range(0, len(pieces), AT_A_TIME):
            some = [
                (number, self._blocks[number], piece) for number, piece in pieces[start : start + AT_A_TIME]
            ]
            codes = np.concatenate([block.codes[piece] for _, block, piece in some])
            scales = np.concatenate([block.scales[piece] for _, block, piece in some])
            radii = np.concatenate([block.radii[piece] for _, block, piece in some])
            people = np.concatenate([block.person_ids[piece] for _, block, piece in some])
            rows = np.concatenate(
                [number * ROWS + np.arange(piece.start, piece.stop, piece.step) for number, _, piece in some]
            )
            values = codes.astype(np.float32) @ probe * scales
            off = size * (radii + self._error * (self._longest + radii))
            alive = people != NOBODY
            parts.append((rows[alive], people[alive], (values - off)[alive], (values + off)[alive]))
        return Bounds(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Templates of rows, here or gone."""
        return np.array(
            [self._blocks[row // ROWS].template_ids[row % ROWS] for row in rows.tolist()], np.int64
        )

    def people(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Whose they are, as far as is known here."""
        return np.array([self._blocks[row // ROWS].person_ids[row % ROWS] for row in rows.tolist()], np.int64)

    def correct(self, rows: NDArray[np.int64], people: NDArray[np.int64]) -> bool:
        """Note whose rows are; what has become nobody's is wiped out.

        Returns:
            Whether that was known.
        """
        changed = np.flatnonzero(self.people(rows) != people)
        for row, person in zip(rows[changed].tolist(), people[changed].tolist(), strict=True):
            block, place = self._blocks[row // ROWS], row % ROWS
            block.person_ids[place] = person
            if person == NOBODY:
                self.holes += 1
                block.codes[place] = 0
                block.radii[place] = 0
        return not len(changed)


def _lengths(rows: torch.Tensor) -> NDArray[np.float32]:
    values = rows.numpy()
    return np.asarray(np.sqrt(np.einsum("md,md->m", values, values)), np.float32)
