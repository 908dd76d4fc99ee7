"""Embeddings and crops at rest: plain, or sealed with AES-GCM under a key of the user's.

Each value has a random nonce of its own and is bound to its template, so that values cannot be swapped
unseen. Names, notes and dates are not sealed: a person must be found by name without the key.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from firstsight.errors import GalleryCorrupt, GalleryLocked

VARIABLE: Final = "FIRSTSIGHT_KEY"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


@dataclass(frozen=True, slots=True, repr=False)
class Cipher:
    """Seals and opens values; without a key it passes them through."""

    key: bytes | None

    def seal(self, value: bytes, bound_to: str) -> bytes:
        """The value as it is stored."""
        if self.key is None:
            return value
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, value, bound_to.encode())

    def open(self, stored: bytes, bound_to: str) -> bytes:
        """The value that was sealed.

        Raises:
            GalleryCorrupt: another key, another binding, or damaged bytes.
        """
        if self.key is None:
            return stored
        try:
            nonce, sealed = stored[:NONCE_BYTES], stored[NONCE_BYTES:]
            return AESGCM(self.key).decrypt(nonce, sealed, bound_to.encode())
        except (InvalidTag, ValueError) as error:
            raise GalleryCorrupt(
                f"The encrypted value of {bound_to} is damaged or was exchanged.",
                hint="Restore the gallery from a backup.",
            ) from error


def key_from_environment() -> bytes | None:
    """The key in ``FIRSTSIGHT_KEY``, if it is set.

    Raises:
        GalleryLocked: it is not 32 bytes in base64.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    return checked_key(key)


def checked_key(key: bytes) -> bytes:
    """The key, if it has the right length.

    Raises:
        GalleryLocked: it has not.
    """
    if len(key) != KEY_BYTES:
        raise GalleryLocked(
            f"The key in {VARIABLE} is not {KEY_BYTES} bytes in base64.",
            hint=f"Make one with: openssl rand -base64 {KEY_BYTES}",
        )
    return key
