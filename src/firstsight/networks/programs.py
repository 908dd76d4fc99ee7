"""A graph that OpenVINO runs, in bf16 where the processor computes in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.networks.engines import VARIABLE
from firstsight.networks.lending import ByThreads, Lent

PRECISION: Final = "bf16"
"""Eight bits of a number's 24. Where a processor has no such arithmetic, OpenVINO keeps all of them."""
KEPT: Final = 16
"""Shapes whose programs are held; each has memory for what it computes."""


@cache
def _core() -> Any:
    """OpenVINO's, one for the process.

    It sets another stack for signals as long as it lives. Several that end in the order in which they began
    leave one that is gone, and the next Ctrl-C crashes (2026.4.1).
    """
    import openvino

    return openvino.Core()


class Programs:
    """A graph, and what was made of it for the pictures that came. Safe to share between threads.

    Each shape of pictures has programs of its own, as many as are used at once, each made in about a quarter
    of a second: so there should be few shapes, and those that were not asked for lately are let go. What
    OpenVINO has for it, programs of an open shape and with several streams, was wrong for YuNet (2026.4.1).
    """

    def __init__(
        self, graph: bytes, *, mean: tuple[float, ...] = (0.0,), scale: float = 1.0, kept: int = KEPT
    ) -> None:
        """Read nothing yet.

        Args:
            graph: ONNX: one input (N, C, H, W) float32.
            mean: (C,) or (1,), taken from pictures.
            scale: by which they are multiplied after that.
            kept: of how many shapes programs are held.

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
        self._openvino, self._core = openvino, _core()
        self._graph, self._mean, self._scale, self._kept = graph, mean, scale, kept
        self._made: OrderedDict[tuple[int, ...], ByThreads[Lent[Any]]] = OrderedDict()
        self._making = threading.Lock()

    def __call__(self, pictures: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The graph's outputs for some pictures, (N, H, W, C)."""
        with self._programs(pictures.shape).now().one() as request:
            found = request.infer({0: np.ascontiguousarray(pictures)})
            return [np.asarray(found[place], np.float32) for place in range(len(found))]

    def _programs(self, shape: tuple[int, ...]) -> ByThreads[Lent[Any]]:
        """For pictures of that shape."""
        with self._making:
            if shape not in self._made:
                self._made[shape] = ByThreads(lambda threads: Lent(partial(self._request, shape, threads)))
                if len(self._made) > self._kept:
                    self._made.popitem(last=False)
            self._made.move_to_end(shape)
            return self._made[shape]

    def _request(self, shape: tuple[int, ...], threads: int) -> Any:
        count, height, width, channels = shape
        program = self._core.read_model(self._graph)
        program.reshape({program.input(0): [count, channels, height, width]})
        layout, before = self._openvino.Layout, self._openvino.preprocess.PrePostProcessor(program)
        entry = before.input(0)
        entry.tensor().set_element_type(self._openvino.Type.u8).set_layout(layout("NHWC"))
        entry.model().set_layout(layout("NCHW"))
        steps = entry.preprocess().convert_element_type(self._openvino.Type.f32)
        steps.mean(list(np.broadcast_to(self._mean, channels))).scale([1 / self._scale] * channels)
        ready = self._core.compile_model(
            before.build(),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": PRECISION,
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                # Two programs would be held to the same core.
                "ENABLE_CPU_PINNING": False,
            },
        )
        return ready.create_infer_request()
