"""Encryption at rest, as a gallery's user meets it."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, KEY, OTHER, names, photos, raw, units

from firstsight.errors import GalleryCorrupt, GalleryLocked
from firstsight.gallery import Contract, Store, open_store

CROP = b"an encoded picture" * 10


def sealed(path: Path, contract: Contract | None = CONTRACT, key: bytes | None = KEY) -> Store:
    return open_store(path, contract, key=key)


@pytest.fixture
def filled(path: Path) -> Path:
    """A sealed gallery of two people, closed."""
    store = sealed(path)
    store.add("Ada", photos(2, 1, CROP))
    store.add("Bob", photos(1, 2))
    store.close()
    return path


def tamper(path: Path, *statements: str) -> None:
    database = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        database.execute(statement)
    database.close()


def test_nothing_of_a_face_can_be_read_in_the_file(filled: Path, tmp_path: Path) -> None:
    plain = open_store(tmp_path / "plain.db", CONTRACT)
    plain.add("Ada", photos(2, 1, CROP))
    embeddings = [row.tobytes() for row in units(2, 1)]
    for secret in (*embeddings, CROP[:40]):
        assert secret in raw(tmp_path / "plain.db")
        assert secret not in raw(filled)
    plain.close()
    store = sealed(filled)
    assert store.search(units(2, 1)[1:], 1)[0][0].similarity == pytest.approx(1, abs=1e-6)
    assert [crop.crop for crop in store.crops()] == [CROP, CROP, None]
    store.replace_all(OTHER, {1: units(1, 9, OTHER.dimension)[0]}, [2, 3])
    store.close()
    assert units(1, 9, OTHER.dimension).tobytes() not in raw(filled)


def test_the_key_can_stand_in_the_environment(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_KEY", base64.b64encode(KEY).decode())
    store = open_store(filled, CONTRACT)
    assert store.search(units(2, 1)[:1], 1)[0][0].person == "Ada"
    store.close()


@pytest.mark.parametrize(("key", "said"), [(None, "is encrypted"), (bytes(32), "another key")])
def test_without_its_key_a_sealed_gallery_is_listed_and_erased_only(
    filled: Path, key: bytes | None, said: str
) -> None:
    with pytest.raises(GalleryLocked, match=said) as caught:
        sealed(filled, CONTRACT, key)
    assert "FIRSTSIGHT_KEY" in caught.value.hint
    store = sealed(filled, None, key)
    assert names(store.people()) == ["Ada", "Bob"]
    for call in (
        lambda: store.search(units(1, 1), 1),
        lambda: store.add("Carl", photos(1, 3)),
        lambda: store.merge("Ada", "Bob"),
        lambda: store.move_template(1, "Bob"),
        lambda: store.replace_all(OTHER, {}),
        lambda: list(store.crops()),
    ):
        with pytest.raises(GalleryLocked, match=said):
            call()
    assert names(store.people()) == ["Ada", "Bob"]
    assert store.rename("Bob", "Carl").templates == 1
    assert store.erase("Ada").templates == 2
    store.close()


def test_a_key_for_a_gallery_that_is_not_sealed_is_refused(plain: Store, path: Path) -> None:
    plain.add("Ada", photos(1, 1))
    with pytest.raises(GalleryLocked, match="not encrypted"):
        sealed(path)
    listing = sealed(path, None)
    assert names(listing.people()) == ["Ada"]
    with pytest.raises(GalleryLocked, match="not encrypted"):
        listing.search(units(1, 1), 1)
    listing.close()


def test_a_key_of_a_wrong_length_makes_no_file(path: Path) -> None:
    with pytest.raises(GalleryLocked, match="32 bytes"):
        sealed(path, CONTRACT, b"short")
    assert not path.exists()


SWAP = (
    "CREATE TABLE old AS SELECT id, {column} AS value FROM template",
    "UPDATE template SET {column} = (SELECT value FROM old WHERE old.id = {others}) WHERE id IN (1, 2)",
    "DROP TABLE old",
)


@pytest.mark.parametrize(
    "statements",
    [
        [part.format(column="embedding", others="3 - template.id") for part in SWAP],
        ["UPDATE template SET person_id = 2 WHERE id = 1"],
        ["UPDATE template SET embedding = zeroblob(60) WHERE id = 1"],
        ["UPDATE template SET embedding = x'' WHERE id = 1"],
        ["UPDATE gallery SET preprocessing = '2'"],
    ],
    ids=["swapped", "another person's", "zeroed", "emptied", "another contract's"],
)
def test_exchanged_embeddings_are_noticed(filled: Path, statements: list[str]) -> None:
    tamper(filled, *statements)
    held = CONTRACT if "gallery" not in statements[0] else None
    store = sealed(filled, held)
    with pytest.raises(GalleryCorrupt, match="exchanged"):
        store.search(units(1, 1), 1)
    assert names(store.people()) == ["Ada", "Bob"]
    store.close()


def test_exchanged_crops_are_noticed(filled: Path) -> None:
    tamper(filled, *[part.format(column="crop", others="3 - template.id") for part in SWAP])
    store = sealed(filled)
    assert store.search(units(2, 1)[:1], 1)[0][0].person == "Ada"
    with pytest.raises(GalleryCorrupt, match="crop of photo 1"):
        list(store.crops())
    store.close()


@pytest.mark.parametrize(
    "damage", [b"", b"abc", np.full(8, np.nan, "<f4").tobytes(), units(1, 0, 9).tobytes()]
)
def test_a_damaged_plain_embedding_is_noticed(plain: Store, path: Path, damage: bytes) -> None:
    plain.add("Ada", photos(2, 1))
    tamper(path, f"UPDATE template SET embedding = x'{damage.hex()}' WHERE id = 2")
    with pytest.raises(GalleryCorrupt, match="damaged"):
        plain.search(units(1, 1), 1)
