"""A tower that OpenVINO runs from an ONNX graph, in bf16 where the processor computes in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.models.engines import OPENVINO, VARIABLE
from firstsight.models.network import at_once
from firstsight.models.preprocessing import Preprocessing
from firstsight.networks import ByThreads, Lent, cores

if TYPE_CHECKING:
    from torch import nn

PRECISION: Final = "bf16"
"""Eight bits of a number's 24. Where a processor has no such arithmetic, OpenVINO keeps all of them."""


class OpenVinoNetwork:
    """See ``Network``.

    Each number of crops that comes at once has a program of its own: one of YuNet that took pictures of any
    size gave wrong answers, or none, to threads that asked at the same time.
    """

    engine: Final = OPENVINO

    def __init__(self, graph: bytes, seen: Preprocessing, *, tower: Callable[[], nn.Module]) -> None:
        """Read the graph; it is made ready for the processor when it is first used.

        Args:
            graph: ONNX: (N, C, S, S) float32 -> (N, D) float32, with one input.
            seen: how crops are brought into its range, which is made part of it.
            tower: makes the same in torch.

        Raises:
            UsageError: OpenVINO is not installed.
        """
        try:
            import openvino
        except ImportError as error:
            raise UsageError(
                f"OpenVINO, which {VARIABLE} asks for, is not installed.",
                hint="Install it: pip install 'firstsight[openvino]'",
            ) from error
        self._most = at_once(seen.size)
        core = openvino.Core()
        self._requests: dict[int, ByThreads[Lent[Any]]] = {
            count: ByThreads(partial(_requests, core, _program(openvino, core, graph, seen, count)))
            for count in {1, self._most}
        }
        self._tower = tower

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops."""
        whole = len(crops) - len(crops) % self._most
        parts = [crops[start : start + self._most] for start in range(0, whole, self._most)]
        parts += [crops[place : place + 1] for place in range(whole, len(crops))]
        return np.concatenate([self._run(part) for part in parts])

    def tower(self) -> nn.Module:
        """The same in torch."""
        return self._tower()

    def _run(self, part: NDArray[np.uint8]) -> NDArray[np.float32]:
        with self._requests[len(part)].now().one() as request:
            return np.asarray(request.infer({0: np.ascontiguousarray(part)})[0])


def _program(openvino: Any, core: Any, graph: bytes, seen: Preprocessing, count: int) -> Any:
    """The graph for so many crops, the way from (N, S, S, C) uint8 to its own input put before it."""
    program = core.read_model(graph)
    program.reshape({program.input(0): [count, seen.channels, seen.size, seen.size]})
    before = openvino.preprocess.PrePostProcessor(program)
    entry = before.input(0)
    entry.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    entry.model().set_layout(openvino.Layout("NCHW"))
    steps = entry.preprocess().convert_element_type(openvino.Type.f32)
    steps.mean(list(seen.mean)).scale([1 / seen.scale] * seen.channels)
    return before.build()


def _requests(core: Any, program: Any, threads: int) -> Lent[Any]:
    """For one piece of work on so many threads; or, on one each, for as many at once as there are cores."""
    streams = cores() if threads == 1 else 1
    ready = core.compile_model(
        program,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": PRECISION,
            "INFERENCE_NUM_THREADS": streams * threads,
            "NUM_STREAMS": streams,
            # Two processes would be held to the same cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
    return Lent(ready.create_infer_request)
