"""A copy of a gallery, or of the service's file, consistent while others read and write."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from firstsight.errors import GalleryMissing, GalleryUnavailable
from firstsight.gallery.sqlite.connection import PATIENCE, translated


def back_up(source: Path, target: Path) -> None:
    """Copy a SQLite file by SQLite's own means: whole or not at all, readable by its owner only.

    Raises:
        GalleryUnavailable: the source is missing, the target exists already or cannot be written.
        GalleryCorrupt, GalleryBusy: the source.
    """
    if not source.is_file():
        raise GalleryMissing(f"There is no gallery at {source}.", hint="Check --gallery.")
    if target.exists():
        raise GalleryUnavailable(f"{target} exists already.", hint="Name another file; nothing is replaced.")
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with (
            closing(
                sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
            ) as old,
            closing(sqlite3.connect(part)) as new,
        ):
            # All pages in one step, of one moment: writers go on beside it, as the source has a
            # write-ahead log. Of several steps the first is taken anew whenever somebody has written,
            # so that a copy of a gallery in use need never end.
            old.backup(new)
            if (found := new.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
                raise GalleryUnavailable(
                    f"The copy is not whole ({found}).", hint="Check the gallery and disk."
                )
        part.rename(target)
    except sqlite3.Error as error:
        raise translated(error, source) from error
    except OSError as error:
        raise GalleryUnavailable(
            f"{target} cannot be written ({error}).", hint="Name another file."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
