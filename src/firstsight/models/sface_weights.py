"""The weights of SFace's published file, by their names in ``twins.SFaceTower``."""

from __future__ import annotations

from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Arrays = dict[str, NDArray[np.float32]]

CONV_EPSILON: Final = 1e-3
DENSE_EPSILON: Final = 2e-5


def sface_arrays(content: bytes) -> Arrays:
    """The weights of the published file, its batch norms folded into the layers before them."""
    arrays = _arrays(onnx.load_from_string(content))
    names = ["conv_1", *(f"conv_{n}{kind}" for n in range(2, 15) for kind in ("_dw", ""))]
    state: Arrays = {}
    for unit, name in enumerate(names):
        gain, offset = _affine(arrays, f"{name}_batchnorm", CONV_EPSILON)
        kernel = arrays[f"{name}_conv2d_weight"]
        state[f"units.{unit}.0.weight"] = kernel * gain[:, None, None, None]
        state[f"units.{unit}.0.bias"] = offset
        state[f"units.{unit}.1.weight"] = arrays[f"{name}_relu_gamma"].reshape(-1)
    # batch norm -> flatten -> dense -> batch norm, all linear: one matrix.
    gain, offset = (np.repeat(part, 7 * 7) for part in _affine(arrays, "bn1", DENSE_EPSILON))
    dense, bias = arrays["pre_fc1_weight"], arrays["pre_fc1_bias"]
    last_gain, last_offset = _affine(arrays, "fc1", DENSE_EPSILON)
    state["project.weight"] = dense * gain * last_gain[:, None]
    state["project.bias"] = (dense @ offset + bias) * last_gain + last_offset
    return state


def _affine(arrays: Arrays, name: str, epsilon: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gain and offset of a batch norm at use."""
    gain = arrays[f"{name}_gamma"] / np.sqrt(arrays[f"{name}_moving_var"] + np.float32(epsilon))
    return gain, arrays[f"{name}_beta"] - arrays[f"{name}_moving_mean"] * gain


def _arrays(model: onnx.ModelProto) -> Arrays:
    """Every weight by name, the quantised ones as float32: (q - zero) x scale of their block."""
    stored = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    arrays = {name: array for name, array in stored.items() if array.dtype == np.float32}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        block, axis = _blocks(node)
        whole, scale, zero = (stored[name] for name in node.input)
        scale, zero = (
            np.repeat(part, block, axis).take(range(whole.shape[axis]), axis) for part in (scale, zero)
        )
        name = node.input[0].removesuffix("_quantized")
        values = (whole.astype(np.float32) - zero) * scale
        arrays[name] = values.reshape(stored[f"{name}_shape"])
    return arrays


def _blocks(node: onnx.NodeProto) -> tuple[int, int]:
    """Length of a block and the axis along which blocks lie."""
    found = {item.name: item.i for item in node.attribute}
    return found["block_size"], found["axis"]
