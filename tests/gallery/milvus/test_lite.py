"""A gallery in a file of Milvus Lite."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.gallery import gallery_workers
from tests.gallery.gallery_makers import CONTRACT, names, photos

from firstsight.errors import GalleryBusy, GalleryUnavailable
from firstsight.gallery import open_store

pytest.importorskip("milvus_lite", reason="milvus-lite is not installed: no gallery in Milvus is tested")

HOLDING = """
import sys
from milvus_lite.adapter.grpc.server import start_server_in_thread
start_server_in_thread(sys.argv[1], "127.0.0.1", 0)
print("held", flush=True)
sys.stdin.read()
"""


def test_what_was_enrolled_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    address = f"milvus://{tmp_path / 'lite.db'}"
    with pytest.raises(GalleryUnavailable, match="no gallery"):
        open_store(address)
    assert not (tmp_path / "lite.db").exists()
    store = open_store(address, CONTRACT)
    ada = store.add("Ada", photos(2, 1, b"crop"))
    store.close()
    again = open_store(address)
    assert again.people() == [ada]
    assert [kept.crop for kept in again.crops()] == [b"crop", b"crop"]
    again.close()


def test_another_process_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "lite.db"
    command = [sys.executable, "-c", HOLDING, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with pytest.raises(GalleryBusy, match="cannot be opened"):
            open_store(f"milvus://{path}", CONTRACT)
        other.kill()


def test_killed_while_enrolling(tmp_path: Path) -> None:
    address = f"milvus://{tmp_path / 'lite.db'}"
    with gallery_workers.start("enrol", address, "round", "") as worker:  # type: ignore[arg-type]
        assert worker.stdout
        acknowledged = [worker.stdout.readline().strip() for _ in range(3)]
        worker.kill()
        acknowledged += [line.strip() for line in worker.stdout if line.endswith("\n")]
    store = open_store(address, CONTRACT)
    people = store.people()
    assert set(acknowledged) <= set(names(people))
    assert all(person.templates == gallery_workers.PHOTOS for person in people)
    assert store.count_templates() == len(list(store.crops())) == gallery_workers.PHOTOS * len(people)
    store.close()
