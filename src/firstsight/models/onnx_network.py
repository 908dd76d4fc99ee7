"""A whole model that onnxruntime runs: crops in, templates out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from firstsight.errors import UsageError
from firstsight.models.network import chunks

if TYPE_CHECKING:
    from torch import nn


class OnnxNetwork:
    """See ``Network``. A session may be used by several threads at once."""

    def __init__(self, session: Any, entry: str) -> None:
        """Take a session over.

        Args:
            session: of ``onnxruntime``.
            entry: name of its input.
        """
        self._session, self._entry = session, entry

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embed crops."""
        return np.concatenate(
            [self._session.run(None, {self._entry: np.ascontiguousarray(part)})[0] for part in chunks(crops)]
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


def session_of(content: bytes) -> Any:
    """A session for a graph, with as many threads as OpenCV's networks are given.

    Raises:
        UsageError: onnxruntime is not installed.
        Exception: of onnxruntime, when the graph is none.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            "onnxruntime, which runs ONNX files, is not installed.",
            hint="Install it: pip install 'firstsight[onnx]'",
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cv2.getNumThreads()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
