"""What runs graphs of plain layers: OpenCV, which starts at once, or OpenVINO, where it is asked for."""

from __future__ import annotations

import os
from typing import Final

from firstsight.errors import UsageError

VARIABLE: Final = "FIRSTSIGHT_ENGINE"
OPENCV, OPENVINO = "opencv", "openvino"
ENGINES: Final = (OPENCV, OPENVINO)


def chosen_engine() -> str:
    """What ``FIRSTSIGHT_ENGINE`` names; OpenCV where it is not set.

    Raises:
        UsageError: it names no engine.
    """
    name = os.environ.get(VARIABLE) or OPENCV
    if name not in ENGINES:
        raise UsageError(f"{VARIABLE} is {name!r}, which is no engine.", hint=f"Known: {', '.join(ENGINES)}.")
    return name
