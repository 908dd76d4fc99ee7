"""A whole model that onnxruntime runs: crops in, templates out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.models.network import chunks
from firstsight.networks import ByThreads

if TYPE_CHECKING:
    from torch import nn


class OnnxNetwork:
    """See ``Network``. A session may be used by several threads at once."""

    engine: Final = "onnxruntime"

    def __init__(self, session: Session, entry: str) -> None:
        """Take a session over.

        Args:
            session: runs the graph.
            entry: name of its input.
        """
        self._session, self._entry = session, entry

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops."""
        return np.concatenate(
            [self._session.run({self._entry: np.ascontiguousarray(part)}) for part in chunks(crops)]
        )

    def tower(self) -> nn.Module:
        """There is none.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            "An ONNX file is run as it is; it cannot be trained on or exported again.",
            hint="Name the model that it was exported from.",
        )


class Session:
    """A graph, run on as many threads as OpenCV's networks are given at the time."""

    def __init__(self, content: bytes) -> None:
        """Take a graph over.

        Raises:
            UsageError: onnxruntime is not installed.
            Exception: of onnxruntime, when the graph is none.
        """
        self._made: ByThreads[Any] = ByThreads(partial(_made, content))
        self._made.now()

    def run(self, inputs: dict[str, NDArray[np.uint8]]) -> NDArray[np.float32]:
        """The graph's first output."""
        return np.asarray(self._made.now().run(None, inputs)[0])


def _made(content: bytes, threads: int) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            "onnxruntime, which runs ONNX files, is not installed.",
            hint="Install it: pip install 'firstsight[onnx]'",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
