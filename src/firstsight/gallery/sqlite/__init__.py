"""The embedded gallery: one SQLite file, searched in memory."""

from firstsight.gallery.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
