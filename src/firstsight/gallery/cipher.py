"""Values at rest: plain, or sealed with AES-GCM under a key of the user's.

Each value has a random nonce of its own and is bound to what it belongs to, so that values cannot
be exchanged unseen.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from firstsight.errors import GalleryLocked

VARIABLE: Final = "FIRSTSIGHT_KEY"
FILE_VARIABLE: Final = "FIRSTSIGHT_KEY_FILE"
"""Names a file with the key, so that it stands in no settings of a container or unit."""
KEY_BYTES: Final = 32
MAKE: Final = f"Make one with: openssl rand -base64 {KEY_BYTES}"
NONCE_BYTES: Final = 12


class Cipher:
    """Seals and opens values; without a key it passes them through."""

    def __init__(self, key: bytes | None) -> None:
        """Take the key.

        Raises:
            GalleryLocked: it is not of 32 bytes.
        """
        self._gcm = AESGCM(checked_key(key)) if key is not None else None

    @property
    def seals(self) -> bool:
        """Whether there is a key."""
        return self._gcm is not None

    def seal(self, value: bytes, *bound_to: str | int) -> bytes:
        """The value as it is stored."""
        if self._gcm is None:
            return value
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._gcm.encrypt(nonce, value, json.dumps(bound_to).encode())

    def open(self, stored: bytes, *bound_to: str | int) -> bytes | None:
        """The value that was sealed; None for another key, another binding, or damaged bytes."""
        if self._gcm is None:
            return stored
        nonce, sealed = stored[:NONCE_BYTES], stored[NONCE_BYTES:]
        try:
            return self._gcm.decrypt(nonce, sealed, json.dumps(bound_to).encode())
        except (InvalidTag, ValueError):
            return None


def key_from_environment() -> bytes | None:
    """The key in the file that ``FIRSTSIGHT_KEY_FILE`` names, or in ``FIRSTSIGHT_KEY``, if one is set.

    Raises:
        GalleryLocked: it is not 32 bytes in base64, or there is none in the file: a gallery that is begun
            then would stay in the open.
    """
    path = os.environ.get(FILE_VARIABLE, "")
    text = _read(Path(path)) if path else os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unusable(path or VARIABLE) from error
    return checked_key(key, path or VARIABLE)


def _read(path: Path) -> str:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise GalleryLocked(f"No key can be read from {path} ({reason}).", hint=MAKE) from error
    if not text:
        raise GalleryLocked(f"No key can be read from {path} (it is empty).", hint=MAKE)
    return text


def checked_key(key: bytes, place: str = "the argument key") -> bytes:
    """The key, if it has the right length.

    Args:
        key: that was given.
        place: where it was found, for whoever has to mend it.

    Raises:
        GalleryLocked: it has not.
    """
    if len(key) != KEY_BYTES:
        raise _unusable(place)
    return key


def _unusable(place: str) -> GalleryLocked:
    return GalleryLocked(f"The key in {place} is not {KEY_BYTES} bytes in base64.", hint=MAKE)
