"""What the page of the service says of queries and sizes is so."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from firstsight.gallery import Contract, NewTemplate, open_store
from firstsight.gallery.coarse import ROWS, Block
from firstsight.gallery.index import Index
from firstsight.gallery.sqlite.live import LARGE
from firstsight.images import COST, USUAL
from firstsight.service import Settings, audit
from firstsight.service.ledger import Ledger

PAGE: Final = (Path(__file__).parents[1] / "docs" / "service.md").read_text("utf-8")


def test_who_was_erased_since_a_backup_is_found(tmp_path: Path) -> None:
    (question,) = re.findall(r'"(SELECT [^"]+)"', PAGE)
    path = tmp_path / "people.db.service"
    with closing(Ledger(path)) as ledger:
        for number, decision in ((7, "erased"), (8, "named"), (9, "removed")):
            audit.note(ledger, None, "test", decision, person_id=number)
        with closing(sqlite3.connect(path)) as database:
            assert [row[1:] for row in database.execute(question)] == [(7, "erased"), (9, "removed")]
            later = re.sub(r"at > '[^']+'", "at > '9999-01-01'", question)
            assert database.execute(later).fetchall() == []


def test_a_photo_takes_the_memory_that_the_page_says() -> None:
    numbers = np.arange(10)
    index = Index.empty(128).appended(numbers, numbers, np.zeros((10, 128), np.float32))
    size = (index.template_ids.nbytes + index.person_ids.nbytes + index.embeddings.nbytes) // 10
    assert f"{size} bytes a photo" in PAGE
    block = Block(128)
    held = (block.codes, block.scales, block.radii, block.template_ids, block.person_ids)
    large = (sum(each.nbytes for each in held) + block.kernel_scales.nbytes) // ROWS
    assert f"From {LARGE:,} photos on it is {large} bytes, a million are {large} MB" in PAGE
    assert f"{Settings().photo.pixels * 3 / 1e6:.0f} MB for the largest" in PAGE
    # By default for two cores.
    settings = Settings()
    assert settings.workers == 2 + 1
    assert "Up to one more than there are cores are decoded at a time" in PAGE
    assert f"more than {settings.decoding_bytes // 2**30} GiB together" in PAGE
    assert f"(counted as {USUAL} bytes a pixel, {COST['WEBP']} of WebP and AVIF)" in PAGE
    assert f"{settings.waiting // 2} requests with photos in work or waiting for each core" in PAGE
    assert f"({settings.rush // 2} when they come at once)" in PAGE
    assert f"and {({2: 'two'})[settings.batch]} wait for their faces" in PAGE


@pytest.mark.parametrize(("key", "said"), [(None, "{} bytes for a person"), (b"k" * 32, "{} when encrypted")])
def test_a_person_takes_the_disk_that_the_page_says(tmp_path: Path, key: bytes | None, said: str) -> None:
    random = np.random.default_rng(0)
    sizes = []
    with closing(open_store(tmp_path / "people.db", Contract("sface", "0" * 64, "1", 128), key=key)) as store:
        for count in range(401):
            if count in (100, 400):
                with closing(sqlite3.connect(tmp_path / "people.db")) as database:
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                sizes.append((tmp_path / "people.db").stat().st_size)
            embedding = random.standard_normal(128).astype(np.float32)
            embedding /= np.linalg.norm(embedding)
            store.add(f"Person number {count:05}", [NewTemplate(embedding, "photo-1.jpg", 0.9)])
    size = round((sizes[1] - sizes[0]) / 300, -2)
    assert said.format(int(size)) in PAGE
