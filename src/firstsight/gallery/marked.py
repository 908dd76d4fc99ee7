"""SQLite files that say whose they are: a gallery, and what the service keeps beside one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from firstsight.errors import GalleryTooNew

SMALLEST: Final = 512
"""Bytes of SQLite's smallest page."""


def mark_of(database: sqlite3.Connection) -> tuple[int, int]:
    """Whose file it is, and the version of its schema; (0, 0) of a file that bears no mark."""
    application, version = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    return application, version


def too_new(path: Path, version: int, known: int) -> GalleryTooNew:
    """The refusal of a file that a later version wrote."""
    return GalleryTooNew(
        f"{path} was written by a later version of firstsight (schema {version}, this one knows {known}).",
        hint="Upgrade firstsight.",
    )
