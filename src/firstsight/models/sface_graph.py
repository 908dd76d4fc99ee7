"""A tower of SFace's kind as an ONNX graph, which any engine runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from firstsight.twins.layouts import SFACE_DIMENSION, SFACE_STRIDES, SFACE_WIDTHS

ENTRY: Final = "pixels"
SIDE: Final = 112
LAST: Final = 7 * 7
"""Places of the last map."""
OPSET: Final = 13


def sface_graph(arrays: Mapping[str, NDArray[Any]], *, widths: Sequence[int] = SFACE_WIDTHS) -> bytes:
    """(N, 3, 112, 112) float32, normalised RGB -> (N, 128) float32: the layers of ``twins.SFaceTower``.

    Args:
        arrays: its weights by their names in torch, float32.
        widths: of the tower.

    Raises:
        ValueError: the weights are not those of such a tower.
    """
    nodes: list[NodeProto] = []
    initial: list[TensorProto] = []
    left = dict(arrays)

    def weight(name: str, *shape: int) -> str:
        array = left.pop(name, None)
        if array is None or array.size != np.prod(shape):
            raise ValueError(f"{name} is not of shape {shape}")
        initial.append(numpy_helper.from_array(np.asarray(array, np.float32).reshape(shape), name))
        return name

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    # Kernel, stride, channels in and out, and groups of each convolution.
    units = [(3, 1, 3, widths[0], 1)]
    for (inputs, outputs), stride in zip(pairwise(widths), SFACE_STRIDES, strict=True):
        units += [(3, stride, inputs, inputs, inputs), (1, 1, inputs, outputs, 1)]
    maps = ENTRY
    for number, (kernel, stride, inputs, outputs, groups) in enumerate(units):
        place = f"units.{number}"
        kernels = weight(f"{place}.0.weight", outputs, inputs // groups, kernel, kernel)
        maps = node(
            "Conv",
            maps,
            kernels,
            weight(f"{place}.0.bias", outputs),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=groups,
        )
        maps = node("PRelu", maps, weight(f"{place}.1.weight", outputs, 1, 1))
    flat = node("Flatten", maps)
    dense = (
        weight("project.weight", SFACE_DIMENSION, widths[-1] * LAST),
        weight("project.bias", SFACE_DIMENSION),
    )
    embedding = node("Gemm", flat, *dense, transB=1)
    if left:
        raise ValueError(f"there is no place for {', '.join(sorted(left))}")
    graph = helper.make_graph(
        nodes,
        "sface",
        [helper.make_tensor_value_info(ENTRY, TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(embedding, TensorProto.FLOAT, ["N", SFACE_DIMENSION])],
        initial,
    )
    made: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)]).SerializeToString()
    return made
