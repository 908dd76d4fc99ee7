"""What runs a tower that is given as a graph of plain layers: the engine that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from firstsight.models.network import Network
from firstsight.models.opencv_network import OpenCvNetwork
from firstsight.models.preprocessing import Preprocessing
from firstsight.networks import OPENVINO, chosen_engine

if TYPE_CHECKING:
    from torch import nn


def network_of_graph(
    graph: bytes, entry: str, seen: Preprocessing, tower: Callable[[], nn.Module]
) -> Network:
    """Make it.

    Args:
        graph: ONNX: (N, C, S, S) float32, in the range of ``seen`` -> (N, D) float32.
        entry: name of its input.
        seen: how crops are brought to it.
        tower: makes the same in torch.

    Raises:
        UsageError: the chosen engine is not known, or not installed.
    """
    if chosen_engine() == OPENVINO:
        from firstsight.models.openvino_network import OpenVinoNetwork

        return OpenVinoNetwork(graph, seen, tower=tower)
    return OpenCvNetwork(graph, entry=entry, mean=seen.mean, scale=seen.scale, tower=tower)
