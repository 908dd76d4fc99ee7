"""From what a model file holds to what runs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstsight.models.blueprint import Blueprint
from firstsight.models.graph_network import network_of_graph
from firstsight.models.network import Network
from firstsight.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from torch import nn

    from firstsight.twins import Head

Tensors = Mapping[str, NDArray[Any]]
TOWER = "tower."
HEAD = "head."


def network_of(blueprint: Blueprint, tensors: Tensors, seen: Preprocessing) -> Network:
    """What embeds crops: of a plain tower its graph, of another torch.

    Raises:
        UsageError: the chosen engine is not known, or not installed.
        ValueError, RuntimeError, TypeError, KeyError: the weights do not fit the blueprint.
    """
    if blueprint.tower == "sface":
        from firstsight.models.sface_graph import ENTRY, sface_graph

        graph = sface_graph(_of(TOWER, tensors), **blueprint.tower_arguments)
        in_torch = partial(_tower, blueprint, tensors)
        return network_of_graph(graph, ENTRY, seen, in_torch)
    from firstsight.models.torch_network import TorchNetwork

    return TorchNetwork(_tower(blueprint, tensors), seen)


def head_of(blueprint: Blueprint, tensors: Tensors) -> Head | None:
    """What compares templates; None for the cosine.

    Raises:
        ValueError, RuntimeError, TypeError: the weights do not fit the blueprint.
    """
    if blueprint.head == "cosine":
        # It has no weights, and takes what any head takes.
        if unknown := {*blueprint.head_arguments} - {"bias"} or _of(HEAD, tensors):
            raise ValueError(f"a cosine head takes no {', '.join(sorted(unknown))}")
        return None
    head = blueprint.build_head()
    _fill(head, _of(HEAD, tensors))
    return head


def _tower(blueprint: Blueprint, tensors: Tensors) -> nn.Module:
    tower = blueprint.build_tower()
    _fill(tower, _of(TOWER, tensors))
    return tower


def _of(part: str, tensors: Tensors) -> dict[str, NDArray[Any]]:
    """The tensors of a part, in single precision."""
    return {
        name.removeprefix(part): np.asarray(value, np.float32) if value.dtype.kind == "f" else value
        for name, value in tensors.items()
        if name.startswith(part)
    }


def _fill(module: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    from torch import as_tensor

    module.load_state_dict({name: as_tensor(value) for name, value in arrays.items()})
    module.eval().requires_grad_(False)
