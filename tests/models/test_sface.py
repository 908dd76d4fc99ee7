from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator

from firstsight.models import Model
from firstsight.models.sface import FILE


def test_torch_agrees_with_the_published_graph(sface: Model) -> None:
    """The oracle runs the file itself, quantised blocks and batch norms and all."""
    graph = onnx.load_from_string(FILE.read())
    data = next(item for item in graph.graph.input if item.name == "data")
    del graph.graph.input[:]
    graph.graph.input.append(data)
    crop = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3), dtype=np.uint8)
    pixels = crop.transpose(0, 3, 1, 2).astype(np.float32)
    outputs: Any = ReferenceEvaluator(graph).run(None, {"data": pixels})
    expected = outputs[0]
    with torch.inference_mode():
        found = sface.tower((torch.from_numpy(pixels) - 127.5) / 128).numpy()
    np.testing.assert_allclose(found, expected, atol=2e-5)
    unit = expected / np.linalg.norm(expected)
    np.testing.assert_allclose(sface.embed(crop), unit, atol=2e-5)
