"""What the cores of this machine allow."""

from __future__ import annotations

from firstsight.networks import cores
from firstsight.service.settings import PLACES, RUSH, Settings


def limits(workers: int | None = None, waiting: int | None = None) -> Settings:
    """Settings for the cores of this machine.

    Args:
        workers: photos in work at the same time; by default one more than cores, for the moments in which
            one of them waits for Python's lock.
        waiting: photos in work or waiting, however they come; by default as ``Settings`` has it, for each
            core.
    """
    count = cores()
    return Settings(
        workers=workers or count + 1,
        cores=count,
        waiting=waiting or PLACES * count,
        rush=waiting or RUSH * count,
    )
