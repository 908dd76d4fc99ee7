"""Where published files lie: inside the packages that carry them, or in a folder the user names.

A published weight file is known by its SHA-256. It is looked for in the folder named by
``FIRSTSIGHT_WEIGHTS`` first and then in its carrier package; the bytes are checked either way. No code
of a carrier package is imported, and nothing is downloaded.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from firstsight.errors import ModelDamaged, ModelMissing


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file of a published package, known by its digest."""

    distribution: str
    """Name of the package on the package index, with the version that carries the file."""
    path: str
    """Path of the file inside the installed package."""
    sha256: str
    install: str
    """The command that brings the package."""
    source: str
    """Where its authors publish the same file."""

    def locate(self) -> Path:
        """Path of the file, not yet checked.

        Raises:
            ModelMissing: the file is neither in ``FIRSTSIGHT_WEIGHTS`` nor in its package.
        """
        folder = os.environ.get("FIRSTSIGHT_WEIGHTS")
        if folder and (own := Path(folder) / Path(self.path).name).is_file():
            return own
        try:
            found = Path(str(metadata.distribution(self.distribution).locate_file(self.path)))
        except metadata.PackageNotFoundError:
            found = None
        if found is None or not found.is_file():
            raise ModelMissing(
                f"The weight file {Path(self.path).name} is not installed.",
                hint=f"Run `{self.install}`, or put the file from {self.source} into a folder and "
                "name that folder in FIRSTSIGHT_WEIGHTS.",
            )
        return found

    def installed(self) -> bool:
        """Whether the file is there (its bytes are checked only when it is read)."""
        try:
            self.locate()
        except ModelMissing:
            return False
        return True

    def read(self) -> bytes:
        """The bytes of the file, checked against the digest.

        Raises:
            ModelMissing: the file is not there.
            ModelDamaged: its bytes are not the published ones.
        """
        found = self.locate()
        content = found.read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelDamaged(
                f"The weight file {found} is not the published one (its SHA-256 differs).",
                hint=f"Reinstall it: `{self.install} --force-reinstall --no-deps`.",
            )
        return content
