"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from firstsight.errors import UsageError

TOLD: Final = 40
"""Characters of a file's name that its half-written part bears: a name may be as long as the disk allows."""


def write_whole(path: Path, content: bytes | str) -> None:
    """Make a file, or take another's place once all is on the disk; folders on the way are made.

    Several processes may write the same file: what one of them wrote is there in the end. Of a link it is the
    file it leads to, and who may read a file stays so. A pipe or device has no place to be taken: what is
    written goes through it.

    Args:
        path: of the file.
        content: all of it; text becomes UTF-8, what cannot, as of a file's odd name, an escape.

    Raises:
        UsageError: it cannot be written; what was there is as it was.
    """
    whole = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        mode = _mode(path)
        if mode is None or stat.S_ISREG(mode):
            # What a link leads to, or the link itself would be replaced.
            _take_place(Path(os.path.realpath(path)), whole, mode)
        else:
            path.write_bytes(whole)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror or error}).",
            hint="Make room, or name another place.",
        ) from error


def _mode(path: Path) -> int | None:
    """What is at a place, and who may do what with it; None for nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _take_place(path: Path, content: bytes, mode: int | None) -> None:
    # Nobody else's: two writers of one part would rename each other's half.
    part = path.parent / f".{path.name[:TOLD]}.{secrets.token_hex(8)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("xb") as file:
            if mode is not None:
                # Before there is anything to read in it.
                part.chmod(stat.S_IMODE(mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink()
