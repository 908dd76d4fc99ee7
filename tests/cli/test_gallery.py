from __future__ import annotations

import base64
from pathlib import Path

import pytest
from tests.cli.conftest import Ran, Run
from tests.gallery.gallery_makers import CONTRACT, KEY, photos

from firstsight.gallery import open_store


@pytest.fixture
def peopled(gallery: Path) -> Path:
    store = open_store(gallery, CONTRACT)
    store.add("Ada", photos(2, 1, b"crop"))
    store.add("Bob", photos(1, 2))
    store.close()
    return gallery


def test_a_gallery_is_copied_and_compared(run: Run, peopled: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    said = run("gallery", "copy", peopled, target, "--json")
    assert said.status == 0
    assert said.json == {
        "source": str(peopled),
        "target": str(target),
        "people": 2,
        "templates": 3,
        "crops": 2,
        "copied_before": 0,
        "checksum": said.json["checksum"],
    }
    again = run("gallery", "copy", peopled, target)
    assert said.json["checksum"] in again.out
    assert "2 people" in again.out
    assert run("gallery", "copy", peopled, target, "--json").json["copied_before"] == 2


def test_what_cannot_be_copied(run: Run, peopled: Path, tmp_path: Path) -> None:
    assert run("gallery", "copy", peopled, peopled).status == 2
    missing = run("gallery", "copy", tmp_path / "none.db", tmp_path / "copy.db")
    assert "no gallery" in missing.err
    assert not (tmp_path / "copy.db").exists()
    secret = run("gallery", "copy", peopled, "milvus://ada:sesame@localhost/not a name")
    assert secret.status == 2
    assert "sesame" not in secret.err


def test_a_gallery_is_no_copy_of_itself_by_whatever_name(run: Run, peopled: Path, tmp_path: Path) -> None:
    """Its copy would be there already, whole, and whoever meant another place would think they had one."""
    (tmp_path / "link.db").symlink_to(peopled)
    for one, other in [
        (peopled, peopled.name),
        (peopled, "link.db"),
        ("postgresql://ada:sesame@localhost/db", "postgresql://localhost:5432/db?gallery=people"),
        ("milvus://localhost:19530/x", "milvus://localhost/x"),
    ]:
        ran = run("gallery", "copy", one, other)
        assert (ran.status, "same gallery" in ran.err, "sesame" in ran.err) == (2, True, False)


@pytest.mark.parametrize("sealed", [True, False])
def test_a_wrong_key_leaves_no_target_for_the_right_one_to_stumble_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sealed: bool
) -> None:
    store = open_store(tmp_path / "old.db", CONTRACT, key=KEY if sealed else None)
    store.add("Ada", photos(2, 1, b"crop"))
    store.close()

    def copied(key: bytes | None) -> Ran:
        monkeypatch.setenv("FIRSTSIGHT_KEY", base64.b64encode(key).decode() if key else "")
        return run("gallery", "copy", "old.db", "new.db")

    for wrong in (bytes(32), None if sealed else KEY):
        assert "[gallery_locked]" in copied(wrong).err
        assert not (tmp_path / "new.db").exists()
    assert copied(KEY if sealed else None).status == 0
