"""What runs plain networks: OpenCV, which starts at once, or OpenVINO, where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.networks import ByThreads, Lent, cores

VARIABLE: Final = "FIRSTSIGHT_ENGINE"
OPENCV, OPENVINO = "opencv", "openvino"
ENGINES: Final = (OPENCV, OPENVINO)
SINGLE: Final = "f32"
BRAIN: Final = "bf16"
"""Eight bits of a number's 24. Where a processor has no such arithmetic, OpenVINO keeps all of them."""


def chosen_engine() -> str:
    """What ``FIRSTSIGHT_ENGINE`` names; OpenCV where it is not set.

    Raises:
        UsageError: it names no engine.
    """
    name = os.environ.get(VARIABLE) or OPENCV
    if name not in ENGINES:
        raise UsageError(f"{VARIABLE} is {name!r}, which is no engine.", hint=f"Known: {', '.join(ENGINES)}.")
    return name


class OpenVino:
    """A network in OpenVINO. Safe to share between threads.

    It takes pictures as they lie in memory; the way from there to its own input is made part of it.
    """

    def __init__(
        self,
        graph: bytes,
        shape: tuple[int, int, int, int],
        *,
        mean: tuple[float, ...],
        scale: float,
        precision: str = SINGLE,
    ) -> None:
        """Read the graph; it is made ready for the processor when it is first used.

        Args:
            graph: ONNX, with one input (N, C, H, W) float32.
            shape: of that, -1 where it may change.
            mean: subtracted from each channel, 0 to 255.
            scale: multiplied after that.
            precision: ``SINGLE`` or ``BRAIN``.

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
        core = openvino.Core()
        program = core.read_model(graph)
        program.reshape({program.input(0): list(shape)})
        before = openvino.preprocess.PrePostProcessor(program)
        entry = before.input(0)
        entry.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
        entry.model().set_layout(openvino.Layout("NCHW"))
        steps = entry.preprocess().convert_element_type(openvino.Type.f32)
        steps.mean(list(mean)).scale([1 / scale] * len(mean))
        make = partial(_requests, core, before.build(), precision)
        self._requests: ByThreads[Lent[Any]] = ByThreads(make)

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run it: (N, H, W, C) uint8 -> its outputs in their order, float32."""
        with self._requests.now().one() as request:
            return list(request.infer({0: np.ascontiguousarray(pictures)}).to_tuple())


def _requests(core: Any, program: Any, precision: str, threads: int) -> Lent[Any]:
    """For one piece of work on so many threads; or, on one each, for as many at once as there are cores."""
    streams = cores() if threads == 1 else 1
    made: Callable[[], Any] = core.compile_model(
        program,
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": streams * threads,
            "NUM_STREAMS": streams,
            # Two processes would be held to the same cores.
            "ENABLE_CPU_PINNING": False,
        },
    ).create_infer_request
    return Lent(made)
