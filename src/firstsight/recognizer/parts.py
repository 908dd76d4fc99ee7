"""One process's part of the work, where several processes or machines share it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from firstsight.errors import UsageError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Part:
    """Every ``count``-th of all, beginning at ``rank``."""

    rank: int = 0
    """From 0 on."""
    count: int = 1

    @classmethod
    def read(cls, text: str | None, environment: Mapping[str, str] = os.environ) -> Self:
        """The part that was asked for, else the one that ``torchrun`` tells, else the whole.

        Args:
            text: ``K/N``, the K-th of N, from 1 on; None when nothing was asked for.
            environment: with RANK (from 0 on) and WORLD_SIZE when ``torchrun`` started the process.

        Raises:
            UsageError: no such part.
        """
        if text is not None:
            rank, _, count = text.partition("/")
            return cls._checked(rank, count, 1, f"--part {text}", "Give it as K/N, from 1/N to N/N.")
        if not {"RANK", "WORLD_SIZE"} <= environment.keys():
            return cls()
        rank, count = environment["RANK"], environment["WORLD_SIZE"]
        told = f"RANK={rank} with WORLD_SIZE={count}"
        return cls._checked(rank, count, 0, told, "Let torchrun set both, or unset them.")

    @classmethod
    def _checked(cls, rank: str, count: str, first: int, told: str, hint: str) -> Self:
        if not (rank.isdecimal() and count.isdecimal() and 0 <= int(rank) - first < int(count)):
            raise UsageError(f"{told} is no part of anything.", hint=hint)
        return cls(int(rank) - first, int(count))

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """This process's own of all, which every process must have in the same order."""
        return items if self.count == 1 else items[self.rank :: self.count]

    def __str__(self) -> str:
        return f"{self.rank + 1}/{self.count}"
