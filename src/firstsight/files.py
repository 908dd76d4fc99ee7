"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from firstsight.errors import UsageError

TOLD: Final = 40
"""Characters of a file's name that its half-written part bears: a name may be as long as the disk allows."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Make a file, or take another's place once all is on the disk; folders on the way are made.

    Several processes may write the same file: what one of them wrote is there in the end.

    Args:
        path: of the file.
        content: all of it; text becomes UTF-8, what cannot, as of a file's odd name, an escape.

    Raises:
        UsageError: it cannot be written; what was there is as it was.
    """
    # Nobody else's: two writers of one part would rename each other's half.
    part = path.parent / f".{path.name[:TOLD]}.{secrets.token_hex(8)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            file.write(content.encode(errors="backslashreplace") if isinstance(content, str) else content)
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
