"""A model as an ONNX file, for programs that know nothing of firstsight or of torch.

The whole way from aligned crops to templates is in the graph: number range, mirroring, tower and unit
length. What else one needs (where landmarks lie, thresholds, terms) is JSON in its metadata.
``onnx_file`` opens it again.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Final

import onnx
import torch
from torch import Tensor, nn

from firstsight.errors import UsageError
from firstsight.files import write_whole
from firstsight.models.model import Model
from firstsight.models.onnx_file import INPUT, KEY, OUTPUT, SUM, about, digest_of, sum_of
from firstsight.models.pixels import in_range, mean_of
from firstsight.models.quantising import quantise
from firstsight.models.views import views
from firstsight.twins import Cosine

OPSET: Final = 20
INT8: Final = "Its weights are in 8 bits, and its scores differ a little: its thresholds are those"
"""What the card of such a file says of thresholds, before whose they are."""


class Embedder(nn.Module):
    """(N, S, S, channels) uint8 crops -> (N, D) float32 templates, as ``Model.embed`` makes them."""

    mean: Tensor

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.tower, self.head, self.seen = model.tower, model.head or Cosine(), model.preprocessing
        self.register_buffer("mean", mean_of(self.seen))

    def forward(self, crops: Tensor) -> Tensor:
        """Embed a batch."""
        seen = views(crops, self.seen)
        found = [self.tower(in_range(view, self.mean, self.seen.scale)) for view in seen]
        return self.head.template(reduce(torch.add, found))


def export_onnx(model: Model, path: Path, *, int8: bool = False) -> None:
    """Write a model as ONNX, whole or not at all: ``crops`` in, ``templates`` out, any number at once.

    Args:
        model: what is written.
        path: the file to write.
        int8: the weights in 8 bits; the model has another name then, as its templates differ a little, and
            its card says whose the thresholds are.

    Raises:
        UsageError: the extra ``onnx`` is not installed, or the file cannot be written.
    """
    program = _program(model)
    if int8:
        quantise(program)
        model = _in_8_bits(model)
    opset = next(one.version for one in program.opset_import if one.domain in ("", "ai.onnx"))
    told = json.dumps(about(model) | {"opset": opset})
    _bared(program)
    total = sum_of(digest_of(program, model.preprocessing), told)
    onnx.helper.set_model_props(program, {KEY: told, SUM: total})
    onnx.checker.check_model(program, full_check=True)
    write_whole(path, program.SerializeToString())


def _in_8_bits(model: Model) -> Model:
    """What is told of the copy. Its thresholds stay: none can be made on the file and sealed into it."""
    own = f"{INT8} of {model.name}." if model.calibration else ""
    card = replace(model.card, limits=f"{model.card.limits} {own}".strip())
    return replace(model, name=f"{model.name}-int8", card=card)


def _program(model: Model) -> onnx.ModelProto:
    try:
        import_module("onnxscript")  # torch imports it late, and fails in many ways without
    except ImportError as error:
        raise UsageError(
            "The parts that write ONNX are not installed.",
            hint="Install them: pip install 'firstsight[onnx]'",
        ) from error
    size, channels = model.preprocessing.size, model.preprocessing.channels
    # Two: a batch of one would be taken for a constant.
    example = torch.zeros(2, size, size, channels, dtype=torch.uint8)
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            Embedder(model).eval(),
            (example,),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise UsageError(f"{model.name} cannot be written as ONNX.", hint="Use its model file.")
    return program.model_proto


def _bared(program: onnx.ModelProto) -> None:
    """Take out where in our source each part was written: it makes no template, and it names folders."""
    graph = program.graph
    for part in (graph, *graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


@contextmanager
def _quiet() -> Iterator[None]:
    """What the exporter has to say of its own parts is not for our users."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
