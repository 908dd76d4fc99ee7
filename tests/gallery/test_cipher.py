from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from tests.gallery.gallery_makers import KEY

from firstsight.errors import GalleryLocked
from firstsight.gallery.cipher import Cipher, key_from_environment


def test_a_value_opens_only_for_what_it_is_bound_to() -> None:
    cipher = Cipher(KEY)
    sealed = cipher.seal(b"value", "embedding", 1, 23)
    assert b"value" not in sealed
    assert cipher.open(sealed, "embedding", 1, 23) == b"value"
    assert cipher.open(sealed, "embedding", 12, 3) is None
    assert cipher.open(sealed, "crop", 1, 23) is None
    assert Cipher(bytes(32)).open(sealed, "embedding", 1, 23) is None


def test_a_damaged_value_does_not_open() -> None:
    cipher = Cipher(KEY)
    sealed = cipher.seal(b"value", 1)
    for place in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        assert cipher.open(bytes(damaged), 1) is None
        assert cipher.open(sealed[:place], 1) is None


def test_each_value_has_a_nonce_of_its_own() -> None:
    cipher = Cipher(KEY)
    assert len({cipher.seal(b"value", 1)[:12] for _ in range(100)}) == 100


def test_without_a_key_values_are_plain() -> None:
    cipher = Cipher(None)
    assert not cipher.seals
    assert cipher.open(cipher.seal(b"value", 1), 2) == b"value"


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_from_environment() is None
    monkeypatch.setenv("FIRSTSIGHT_KEY", "")
    assert key_from_environment() is None
    monkeypatch.setenv("FIRSTSIGHT_KEY", base64.b64encode(KEY).decode() + "\n")
    assert key_from_environment() == KEY


def test_the_key_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which holds, whatever else is in the environment."""
    (tmp_path / "key").write_text(base64.b64encode(KEY).decode() + "\n")
    monkeypatch.setenv("FIRSTSIGHT_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("FIRSTSIGHT_KEY", base64.b64encode(bytes(32)).decode())
    assert key_from_environment() == KEY


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff", b"secret", base64.b64encode(bytes(16))])
def test_a_file_without_a_usable_key_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """Not passed over: a new gallery would be made in the open."""
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("FIRSTSIGHT_KEY_FILE", str(path))
    monkeypatch.setenv("FIRSTSIGHT_KEY", base64.b64encode(KEY).decode())
    with pytest.raises(GalleryLocked, match=re.escape(str(path))) as caught:
        key_from_environment()
    assert "openssl rand" in caught.value.hint


@pytest.mark.parametrize("text", ["secret", "not base64!", base64.b64encode(bytes(16)).decode(), "é"])
def test_a_key_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FIRSTSIGHT_KEY", text)
    with pytest.raises(GalleryLocked, match="32 bytes") as caught:
        key_from_environment()
    assert "openssl rand" in caught.value.hint
    assert text not in str(caught.value)
