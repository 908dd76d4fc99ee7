"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from firstsight.errors import UsageError


def write_whole(path: Path, content: bytes | str) -> None:
    """Make a file, or take another's place once all is on the disk; folders on the way are made.

    Args:
        path: of the file.
        content: all of it; text becomes UTF-8.

    Raises:
        UsageError: it cannot be written; what was there is as it was.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror or error}).",
            hint="Make room, or name another place.",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()
