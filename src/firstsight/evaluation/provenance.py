"""Where a figure comes from: the machine, the versions and the moment."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

PARTS: Final = ("torch", "numpy", "opencv-python-headless", "pillow", "onnx")


def versions() -> dict[str, str]:
    """Versions of firstsight, Python and the parts that a figure depends on."""
    return {
        "firstsight": metadata.version("firstsight"),
        "python": platform.python_version(),
        **{part: metadata.version(part) for part in PARTS},
    }


def machine() -> str:
    """The processor and its cores, in words."""
    name = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def moment() -> str:
    """Now, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
