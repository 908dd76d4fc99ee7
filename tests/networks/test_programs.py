"""A graph in OpenVINO: right for each shape of pictures, and few programs are held."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from firstsight.networks import Programs, spread

SHAPES: list[list[str | int | None]] = [["N", 3, "H", "W"], ["N", 3, 1, 1]]


@pytest.fixture(scope="module")
def means() -> bytes:
    """The mean of each channel."""
    entry, out = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in zip(("pictures", "means"), SHAPES, strict=True)
    )
    node = onnx.helper.make_node("GlobalAveragePool", ["pictures"], ["means"])
    graph = onnx.helper.make_graph([node], "means", [entry], [out])
    content: bytes = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return content


def pictures(count: int, height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(256, size=(count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 8), (2, 5, 7)])
def test_pictures_come_in_the_range_that_is_asked_for(means: bytes, shape: tuple[int, int, int]) -> None:
    seen = pictures(*shape)
    (found,) = Programs(means, mean=(100.0, 120.0, 140.0), scale=1 / 32)(seen)
    expected = (seen.mean(axis=(1, 2)) - [100, 120, 140]) / 32
    np.testing.assert_allclose(found[:, :, 0, 0], expected, atol=0.02)


def test_what_was_not_asked_for_lately_is_let_go(means: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    openvino = pytest.importorskip("openvino")
    made: list[int] = []
    whole = openvino.Core.compile_model

    def counted(core: object, program: object, *rest: object) -> object:
        made.append(len(made))
        return whole(core, program, *rest)

    monkeypatch.setattr(openvino.Core, "compile_model", counted)
    programs = Programs(means, kept=2)
    before = cv2.getNumThreads()
    try:
        for threads, side, expected in (
            *((1, 8, 1), (1, 16, 2), (1, 8, 2)),
            *((1, 24, 3), (1, 8, 3), (1, 16, 4)),
            # So many threads, so another program.
            *((2, 16, 5), (2, 16, 5)),
        ):
            spread(threads)
            programs(pictures(1, side, side))
            assert len(made) == expected, (threads, side)
    finally:
        spread(before)


def test_one_core_serves_all(means: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several that end leave signals a stack that is gone: a later Ctrl-C crashed."""
    openvino = pytest.importorskip("openvino")
    Programs(means)
    monkeypatch.setattr(openvino, "Core", None)
    assert len(Programs(means)(pictures(2, 8, 8))[0]) == 2
