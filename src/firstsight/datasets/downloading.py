"""Official archives fetched to disk: resumed after a cut, limited in size, checked by their digests.

Omniglot's image archives are known by the SHA-256 that TensorFlow Datasets keeps of them, its runs and
LFW's lists by that of the published files. Of LFW's photos the authors publish an MD5 only; what opens
under it is counted as well (``layouts``).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from firstsight.errors import DataError

HTTPS: Final = frozenset({"https"})
AGENT: Final = "firstsight (fetches published data sets)"
CHUNK: Final = 1 << 16
TRIES: Final = 10
TOO_FAR: Final = 416
"""HTTP status: nothing lies beyond what we have."""
Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the whole."""


@dataclass(frozen=True, slots=True)
class Remote:
    """One published file."""

    address: str
    digest: str
    """Name of the hash, a colon, and its value in hexadecimal digits."""
    limit: int = 32 << 20
    """Bytes beyond which it cannot be the published one."""

    @property
    def name(self) -> str:
        """Of the file."""
        return self.address.rpartition("/")[2]

    def matches(self, path: Path) -> bool:
        """Whether a file is the published one."""
        with path.open("rb") as stream:
            kind = self.digest.partition(":")[0]
            return f"{kind}:{hashlib.file_digest(stream, kind).hexdigest()}" == self.digest


_OMNIGLOT = "https://github.com/brendenlake/omniglot/raw/master/python"
_LFW = "https://vis-www.cs.umass.edu/lfw"
PUBLISHED: Final = {
    "omniglot": (
        Remote(
            f"{_OMNIGLOT}/images_background.zip",
            "sha256:ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
        ),
        Remote(
            f"{_OMNIGLOT}/images_evaluation.zip",
            "sha256:1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
        ),
        Remote(
            f"{_OMNIGLOT}/one-shot-classification/all_runs.zip",
            "sha256:437c1eeab0af8484112e1b4cc0f3d541ec727f7c47b9b202da738af9dfd6c325",
        ),
    ),
    "lfw": (
        Remote(
            f"{_LFW}/pairs.txt", "sha256:ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592"
        ),
        Remote(
            f"{_LFW}/pairsDevTrain.txt",
            "sha256:1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa",
        ),
        Remote(
            f"{_LFW}/pairsDevTest.txt",
            "sha256:7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c",
        ),
        Remote(
            f"{_LFW}/people.txt", "sha256:bc8fa2b7f25c895cf7efb6de4f4fc27ca8b8d1cfa63350ad8b96eae2b198d365"
        ),
        Remote(
            f"{_LFW}/peopleDevTrain.txt",
            "sha256:2e58df13ba4cc143189336e001cc2c195f1dfa5b29a6475c02857be353c2a2fa",
        ),
        Remote(
            f"{_LFW}/peopleDevTest.txt",
            "sha256:c3ed1f90499473401542101a56c14c1d82396bb8218c67a356d7460601047555",
        ),
        Remote(f"{_LFW}/lfw-deepfunneled.tgz", "md5:68331da3eb755a505a502b5aacb3c201", 256 << 20),
    ),
}
"""What ``--download`` fetches of each layout."""


def fetch(
    remote: Remote,
    folder: Path,
    *,
    schemes: frozenset[str] = HTTPS,
    timeout: float = 30,
    pause: float = 1,
    progress: Progress | None = None,
) -> Path:
    """The published file in a folder: as it lies there, or fetched, or fetched to its end.

    Args:
        remote: what to fetch.
        folder: where to; a ``.part`` file there is gone on with.
        schemes: of addresses, also of those that a server sends us on to.
        timeout: seconds without a byte after which a connection counts as lost.
        pause: seconds before a connection that was cut is made anew.
        progress: called after every piece.

    Raises:
        DataError: the server cannot be reached, refuses, or sends something else; or no room.
    """
    target, part = folder / remote.name, folder / f"{remote.name}.part"
    opener = build_opener(_Redirects(schemes))
    _permitted(remote.address, schemes)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.is_file() and remote.matches(target):
            return target
        for turn in range(TRIES):
            if turn:
                time.sleep(pause)
            if _streamed(remote, part, opener, timeout, progress):
                break
        else:
            raise _lost(remote, f"the connection was cut {TRIES} times")
        if not remote.matches(part):
            part.unlink()
            raise DataError(
                f"{remote.address} is not the published file (its digest differs); it was removed.",
                hint="Run again, or fetch it elsewhere and name its folder with --from.",
            )
        part.replace(target)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror or error}).",
            hint="Make room, or name another folder with --cache.",
        ) from error
    return target


def _streamed(
    remote: Remote, part: Path, opener: OpenerDirector, timeout: float, progress: Progress | None
) -> bool:
    """Fetch on from where the part ends; whether the end was reached, or the connection cut before."""
    have = began = part.stat().st_size if part.is_file() else 0
    # Compressed on its way, a file would not have the bytes that ranges count.
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        # The scheme was checked, and so is that of every redirection.
        answer = opener.open(Request(remote.address, headers=headers), timeout=timeout)  # noqa: S310
    except HTTPError as error:
        error.close()
        if error.code == TOO_FAR and have:
            if remote.matches(part):
                return True
            part.unlink()
            return False
        raise DataError(
            f"{remote.address} answers {error.code} ({error.reason}).",
            hint="It may have moved: fetch it by hand and name its folder with --from.",
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise _lost(remote, str(getattr(error, "reason", error))) from error
    with answer:
        if answer.status == 206 and not str(answer.headers["Content-Range"]).startswith(f"bytes {have}-"):
            part.unlink()
            return False
        if answer.status != 206:
            have = began = 0  # the server sends it from its beginning
        length = str(answer.headers["Content-Length"] or "")
        whole = have + int(length) if length.isdigit() else 0
        with part.open("ab" if have else "wb") as stream:
            while max(have, whole) <= remote.limit:
                try:
                    piece = answer.read(CHUNK)
                except (OSError, HTTPException) as error:
                    if have == began:
                        raise _lost(remote, str(error)) from error
                    return False
                if not piece:
                    break
                stream.write(piece)
                have += len(piece)
                if progress:
                    progress(have, max(whole, have))
    if max(have, whole) > remote.limit:
        part.unlink()
        raise DataError(
            f"{remote.address} has {max(have, whole):,} bytes; the published file has less than "
            f"{remote.limit:,}.",
            hint="Fetch it elsewhere and name its folder with --from.",
        )
    return not whole or have >= whole


def _lost(remote: Remote, why: str) -> DataError:
    return DataError(
        f"{remote.address} cannot be fetched ({why}).",
        hint="Check the connection and run again, it goes on where it stopped; or fetch it by hand and "
        "name its folder with --from.",
    )


def _permitted(address: str, schemes: frozenset[str]) -> None:
    if urlsplit(address).scheme not in schemes:
        raise DataError(
            f"{address} is not fetched: only {', '.join(sorted(schemes))} is.",
            hint="Fetch it by hand and name its folder with --from.",
        )


class _Redirects(HTTPRedirectHandler):
    """Follows a server's word only to addresses of the permitted schemes."""

    def __init__(self, schemes: frozenset[str]) -> None:
        self.schemes = schemes

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The request for the new address, once it is permitted."""
        _permitted(newurl, self.schemes)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
