"""What of a twin is built before its weights are filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from firstsight.twins import Head


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The names of a tower and a head, and what they are built by."""

    tower: str
    tower_arguments: Mapping[str, Any]
    head: str
    head_arguments: Mapping[str, Any]
    dimension: int

    def build(self) -> tuple[nn.Module, Head]:
        """A tower and a head with fresh weights.

        Raises:
            ValueError: no such tower or head.
        """
        return self.build_tower(), self.build_head()

    def build_tower(self) -> nn.Module:
        """A tower with fresh weights.

        Raises:
            ValueError: no such tower.
        """
        from firstsight.twins import build_tower

        return build_tower(self.tower, self.tower_arguments)

    def build_head(self) -> Head:
        """A head with fresh weights.

        Raises:
            ValueError: no such head.
        """
        from firstsight.twins import build_head

        return build_head(self.head, self.dimension, **self.head_arguments)
