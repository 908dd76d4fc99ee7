"""Weights in 8 bits."""

from __future__ import annotations

import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from firstsight.models.quantising import STEPS, in_steps, quantise


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_no_weight_moves_by_more_than_half_a_step_of_its_channel(rows: int, columns: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    values = (draw.normal(size=(rows, columns)) * 10 ** draw.uniform(-6, 6, (rows, 1))).astype(np.float32)
    steps, scale = in_steps(values)
    assert steps.dtype == np.int8
    moved = np.abs(steps * scale[:, None] - values)
    assert (moved <= scale[:, None] * 0.501).all()
    assert (np.abs(steps.astype(int)).max(axis=1) == STEPS).all()  # the whole range is used


def test_a_channel_of_zeros_stays_zero() -> None:
    steps, scale = in_steps(np.zeros((2, 20), np.float32))
    assert not steps.any()
    assert np.isfinite(scale).all()


def product(weight: np.ndarray, bias: np.ndarray) -> onnx.ModelProto:
    """x -> x weight' + bias."""
    node = helper.make_node("Gemm", ["x", "weight", "bias"], ["y"], transB=1)
    graph = helper.make_graph(
        [node],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", weight.shape[1]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weight.shape[0]])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])


def test_a_graph_computes_with_the_unfolded_weights_and_keeps_its_biases() -> None:
    draw = np.random.default_rng(1)
    weight, bias = draw.normal(size=(8, 64)).astype(np.float32), draw.normal(size=8).astype(np.float32)
    program, probe = product(weight, bias), draw.normal(size=(3, 64)).astype(np.float32)
    before = program.ByteSize()
    quantise(program)
    onnx.checker.check_model(program, full_check=True)
    assert program.ByteSize() < 0.5 * before
    (found,) = map(np.asarray, ReferenceEvaluator(program).run(None, {"x": probe}))
    steps, scale = in_steps(weight)
    np.testing.assert_allclose(found, probe @ (steps * scale[:, None]).T + bias, atol=1e-4)


def test_channels_of_few_weights_stay_as_they_are() -> None:
    draw = np.random.default_rng(2)
    weight, bias = draw.normal(size=(500, 9)).astype(np.float32), np.zeros(500, np.float32)
    program = product(weight, bias)
    whole = program.SerializeToString()
    quantise(program)
    assert program.SerializeToString() == whole
