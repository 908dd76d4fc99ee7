"""Weights of an ONNX graph in 8 bits: a quarter of the file, for devices with little room.

Each output channel has a scale of its own (Jacob et al., CVPR 2018, section 2.1, with a zero point of 0, as
for weights): what is stored is the nearest of 255 steps from the channel's largest weight to its negative.
Whoever runs the graph unfolds them again, and computes in single precision as before.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

STEPS: Final = 127
"""To either side of 0."""
FEW: Final = 16
"""Channels of fewer weights than this stay (depthwise ones, slopes): hardly any of the file, and each weighs
more."""


def quantise(program: onnx.ModelProto) -> None:
    """Replace every large weight by its steps and a node that unfolds them; all else stays."""
    graph = program.graph
    kept: list[onnx.TensorProto] = []
    added: list[onnx.TensorProto] = []
    unfolding: list[onnx.NodeProto] = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.ndim < 2 or values[0].size < FEW:
            kept.append(weight)
            continue
        steps, scale = in_steps(values)
        names = (f"{weight.name}.steps", f"{weight.name}.scale")
        added += [numpy_helper.from_array(steps, names[0]), numpy_helper.from_array(scale, names[1])]
        unfolding.append(helper.make_node("DequantizeLinear", names, [weight.name], axis=0))
    nodes = [*unfolding, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend([*kept, *added])
    graph.node.extend(nodes)


def in_steps(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights (C, ...) float32 -> steps (C, ...) int8, -127 to 127, and the size of a channel's step (C,)."""
    largest = np.abs(values.reshape(len(values), -1)).max(axis=1)
    scale = np.where(largest > 0, largest / STEPS, 1).astype(np.float32)
    steps = np.rint(values / scale.reshape(-1, *[1] * (values.ndim - 1)))
    return steps.clip(-STEPS, STEPS).astype(np.int8), scale
