"""A read-only view of many files: a folder, a zip or a tar, as a data set was published."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import threading
import weakref
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import IO, Final, TypeGuard

from firstsight.errors import DataError
from firstsight.images import ENDINGS, OTHER_ENDINGS

PICTURES: Final = frozenset(ending for endings in (*ENDINGS.values(), OTHER_ENDINGS) for ending in endings)
"""Endings of the files that count as pictures."""
DAMAGE: Final = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError)
"""What the readers of damaged or encrypted archives raise beside ``OSError``."""


def passes(error: Exception) -> TypeGuard[OSError]:
    """Whether it is the system that does not give a file, and may do so later; otherwise that is damaged.

    Damage bears no number, or that of a place in a damaged archive which points out of it.
    """
    return isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)


@dataclass(frozen=True, slots=True, eq=False)
class Archive:
    """Files by name, in sorted order; safe to read from several threads."""

    path: Path
    sizes: Mapping[str, int]
    """Size in bytes of every file by its name, with forward slashes."""
    read: Callable[[str], bytes]
    """The bytes of the file of that name; raises ``OSError`` when they are damaged or encrypted."""
    stamps: Sequence[object] = ()
    """What becomes another with the content where names and sizes stay: a zip's own checksums, or the time of
    the last change."""

    def digest(self) -> str:
        """SHA-256 over names and sizes: tells one data set from another without reading it whole.

        The same wherever the data set lies, packed or not, in whatever folders around all of it, and with the
        ``./`` before its names that some tars have. For what is told of a result, and for whether thresholds
        were made on it.
        """
        places = {PurePosixPath(name).parts: size for name, size in self.sizes.items()}
        around = _shared([place[:-1] for place in places])
        return _over({"/".join(place[around:]): size for place, size in sorted(places.items())})

    def listing(self) -> str:
        """SHA-256 over names as they stand, with all folders, and sizes: for what is kept by those names."""
        return _over(self.sizes)

    def edition(self) -> str:
        """SHA-256 that becomes another when files are replaced by others of their names and sizes.

        For what is kept in a cache on this machine.
        """
        return hashlib.sha256(f"{self.listing()} {list(self.stamps)}".encode()).hexdigest()


def open_archive(path: Path) -> Archive:
    """Open a folder, a zip or a tar (also compressed).

    Raises:
        DataError: it is missing, of another kind, damaged, or holds names that lead out of it or nowhere.
    """
    try:
        if path.is_dir():
            return _folder(path)
        if not path.is_file():
            raise DataError(f"There is no data set at {path}.", hint="Check the path.")
        if zipfile.is_zipfile(path):
            return _zip(path)
        if tarfile.is_tarfile(path):
            return _tar(path)
    except (OSError, *DAMAGE) as error:
        raise DataError(f"{path} cannot be read ({error}).", hint="Fetch it again.") from error
    raise DataError(f"{path} is no folder, zip or tar.", hint="Name the archive as published.")


def files_in(folder: Path) -> Iterator[tuple[str, bool]]:
    """The files of a folder and of those within it, by name with forward slashes, and whether they are there.

    A link is taken for what it leads to, a folder as well, but for one around itself. Nothing is passed over
    in silence: what cannot be looked into (a link that leads nowhere, a folder that may not be read) could be
    a whole person, and is given by its own name as not there, unless it is hidden.

    Raises:
        OSError: the folder itself cannot be read.
    """
    with os.scandir(folder) as entries:
        found = list(entries)
    return _within(found, "", (os.path.realpath(folder),))


def _within(
    entries: Sequence[os.DirEntry[str]], before: str, around: tuple[str, ...]
) -> Iterator[tuple[str, bool]]:
    for entry in entries:
        name = before + entry.name
        shown = not any(part.startswith(".") for part in name.split("/"))
        try:
            if not entry.is_dir():
                if not entry.is_symlink() or Path(entry.path).exists():
                    yield name, True
                elif shown:
                    yield name, False
                continue
            place = os.path.realpath(entry.path)
            if place in around:
                continue
            with os.scandir(entry.path) as inside:
                found = list(inside)
        except OSError:
            if shown:
                yield name, False
            continue
        yield from _within(found, f"{name}/", (*around, place))


def _over(sizes: Mapping[str, int]) -> str:
    lines = (f"{name}\t{size}\n" for name, size in sizes.items())
    # A file's name need not be UTF-8: it is counted by its bytes then.
    return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()


def _shared(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders lie around all of those."""
    # What the first and the last in order have in common, all between them have.
    first, last = min(folders, default=()), max(folders, default=())
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(first, last, strict=False)))


def _checked(path: Path, sizes: Mapping[str, int]) -> dict[str, int]:
    for name in sizes:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"{path} holds the name {name!r}, which leads out of it.", hint="Beware.")
    return dict(sorted(sizes.items()))


def _folder(path: Path) -> Archive:
    found = {}
    for name, there in files_in(path):
        if not there:
            raise DataError(
                f"{path} holds {name}, a link that leads nowhere or a folder that may not be read.",
                hint="Mend it or take it out: what was measured without it would be another data set.",
            )
        if stat.S_ISREG((state := (path / name).stat()).st_mode):
            found[name] = state
    sizes = _checked(path, {name: state.st_size for name, state in found.items()})
    times = tuple(found[name].st_mtime_ns for name in sizes)
    return Archive(path, sizes, lambda name: (path / name).read_bytes(), times)


def _zip(path: Path) -> Archive:
    opened = zipfile.ZipFile(path)
    sizes = {info.filename: info.file_size for info in opened.infolist() if not info.is_dir()}

    def read(name: str) -> bytes:
        # ZipFile guards its reads by a lock of its own.
        try:
            return opened.read(name)
        except DAMAGE as error:
            raise OSError(f"damaged or encrypted: {error}") from error

    return Archive(path, _checked(path, sizes), read, [info.CRC for info in opened.infolist()])


def _tar(path: Path) -> Archive:
    stream = _unpacked(path)
    lock = threading.Lock()
    try:
        opened = tarfile.open(fileobj=stream)  # noqa: SIM115 - its stream is closed, below
        members = {member.name: member for member in opened if member.isfile()}
    except (OSError, *DAMAGE):
        stream.close()
        raise

    def read(name: str) -> bytes:
        with lock:
            try:
                found = opened.extractfile(members[name])
                return found.read() if found else b""
            except DAMAGE as error:
                raise OSError(f"damaged: {error}") from error

    weakref.finalize(read, stream.close)
    sizes = _checked(path, {name: found.size for name, found in members.items()})
    return Archive(path, sizes, read, (path.stat().st_mtime_ns,))


def _unpacked(path: Path) -> IO[bytes]:
    """The tar itself. A compressed one can only be read forwards: it is unpacked to a temporary file."""
    with path.open("rb") as file:
        start = file.read(6)
    kinds: tuple[tuple[bytes, Callable[[Path], BufferedIOBase]], ...] = (
        (b"\x1f\x8b", gzip.GzipFile),
        (b"BZh", bz2.BZ2File),
        (b"\xfd7zXZ\x00", lzma.LZMAFile),
    )
    for magic, unpack in kinds:
        if start.startswith(magic):
            plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the archive
            try:
                with unpack(path) as packed:
                    shutil.copyfileobj(packed, plain, 1 << 20)
            except (OSError, *DAMAGE):
                plain.close()
                raise
            plain.seek(0)
            return plain
    return path.open("rb")
