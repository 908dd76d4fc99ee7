"""What holds on a real Milvus server, also when it, or who writes to it, is killed."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.gallery import gallery_workers
from tests.gallery.gallery_makers import CONTRACT, OTHER, names, photos, units
from tests.gallery.milvus.milvus_rows import rows
from tests.gallery.milvus_server import MilvusServer

from firstsight.errors import GalleryUnavailable, ModelMismatch, UsageError
from firstsight.gallery import Contract, NewTemplate, Person, Store, Template, open_store
from firstsight.gallery.copying import copy
from firstsight.gallery.milvus import MilvusStore, connection, lease

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        not os.environ.get("FIRSTSIGHT_MILVUS"),
        reason="MILVUS NOT STARTED: pip install firstsight[servers], and FIRSTSIGHT_MILVUS=1 (two minutes)",
    ),
]


def said(store: Store) -> list[object]:
    """All that a gallery says, but for times."""
    people = store.people()
    matches = store.search(units(3, 77), 4)
    return [
        [(p.id, p.name, p.consent, p.retain_until, p.notes, p.templates) for p in people],
        [(t.id, t.source, t.quality, t.has_crop) for t in store.templates(people[0].name)],
        [[(m.person, m.template_id, round(m.similarity, 5)) for m in each] for each in matches],
        [(kept.person, kept.template_id, kept.crop) for kept in store.crops()],
        names(store.page(1, 2)),
        (store.count_people(), store.count_templates()),
    ]


def lead(store: Store) -> list[object]:
    """Change a gallery by every verb, and tell what it says in between."""
    store.add("Ada", photos(2, 1, b"crop of Ada"), notes="tall", retain_until=date(2030, 1, 1))
    for number in range(2, 5):
        store.add(f"Somebody {number}", photos(2, number))
    store.add("Ada", photos(1, 9), consent="by mail")
    store.rename("Ada", "Ada King")
    before = said(store)
    store.move_template(5, "Bob")
    store.merge("Somebody 3", "Somebody 2")
    store.remove_template(1)
    store.annotate("Bob", notes="short")
    store.erase("Somebody 4")
    return [before, said(store)]


def test_a_server_gives_the_same_answers_as_a_file(server_gallery: str, path: Path) -> None:
    ours, theirs = open_store(server_gallery, CONTRACT), open_store(path, CONTRACT)
    assert lead(ours) == lead(theirs)
    again = open_store(server_gallery)
    (kept, *_) = again.templates("Ada King")
    (embedding,) = units(1, 9, OTHER.dimension)
    left = [each.replace_all(OTHER, {kept.id: embedding}, range(10_000)) for each in (again, theirs)]
    assert left[0] == left[1]
    assert again.people() == [again.person(name) for name in names(theirs.people())]
    with pytest.raises(ModelMismatch, match="model-b"):
        ours.search(units(1, 1), 1)
    for store in (ours, theirs, again):
        store.close()
    moved = open_store(server_gallery, OTHER)
    assert moved.search(embedding[None], 3)[0][0].template_id == kept.id
    moved.close()


PEOPLE, K = 3000, 10
LARGE = Contract("model-a", "a" * 64, "1", 64)


@pytest.mark.parametrize("index", ["flat", "hnsw"])
def test_flat_is_exact_and_hnsw_nearly(server_gallery: str, index: str) -> None:
    store = open_store(f"{server_gallery}?index={index}", LARGE)
    assert isinstance(store, MilvusStore)
    embeddings = units(PEOPLE, 3, LARGE.dimension)
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    store.take(
        [
            (
                Person(number, f"Person {number}", moment, "", None, "", 1),
                [(Template(number, "", moment, "", 1.0, False), NewTemplate(embedding))],
            )
            for number, embedding in enumerate(embeddings, start=1)
        ]
    )
    written_out(store)
    probes = units(50, 4, LARGE.dimension)
    wanted = np.argsort(-(probes @ embeddings.T), axis=1, kind="stable")[:, :K] + 1
    found = np.array([[match.person_id for match in matches] for matches in store.search(probes, K)])
    everybody = len(store.search(probes[:1], PEOPLE)[0])
    recall = np.mean([len(set(a) & set(b)) / K for a, b in zip(found, wanted, strict=True)])
    assert recall >= (1 if index == "flat" else 0.95), f"of {everybody} whom a search can find"
    if index == "flat":
        assert (found == wanted).all()
    store.close()
    with pytest.raises(UsageError, match=f"has the index {index}"):
        open_store(f"{server_gallery}?index={'hnsw' if index == 'flat' else 'flat'}", LARGE)


def written_out(store: MilvusStore) -> None:
    """Wait until the server has made its index."""
    client, templates = store._connection._client, f"{store._address.name}_g1_templates"
    client.flush(templates)
    until = time.monotonic() + 300
    while client.describe_index(templates, "vector")["indexed_rows"] < PEOPLE:
        assert time.monotonic() < until
        time.sleep(0.2)
    client.refresh_load(templates)


def opened(address: str) -> Store:
    """The gallery, once the server that was started again can give it."""
    until = time.monotonic() + 120
    while True:
        try:
            return open_store(address, CONTRACT)
        except GalleryUnavailable:
            assert time.monotonic() < until


def started(prefix: str, address: str) -> subprocess.Popen[str]:
    """A process that enrols people until it is killed."""
    return gallery_workers.start("enrol", address, prefix, "")  # type: ignore[arg-type]


def test_what_was_acknowledged_outlives_server_and_client(
    milvus_server: MilvusServer, server_gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 2.0)  # our patience with a worker that is dead for certain
    acknowledged = []
    with started("first", server_gallery) as worker:
        assert worker.stdout
        acknowledged += [worker.stdout.readline().strip() for _ in range(8)]
        milvus_server.kill()
        with monkeypatch.context() as patched:
            patched.setattr(connection, "PATIENCE", 1.0)
            secret = server_gallery.replace("//", "//ada:sesame@")
            with pytest.raises(GalleryUnavailable, match="does not answer") as caught:
                open_store(secret, CONTRACT)
            assert "sesame" not in str(caught.value)
            assert caught.value.hint
        worker.kill()
        acknowledged += [line.strip() for line in worker.stdout if line.endswith("\n")]
    milvus_server.start()
    opened(server_gallery).close()
    with started("second", server_gallery) as worker:
        assert worker.stdout
        acknowledged += [worker.stdout.readline().strip() for _ in range(8)]
        time.sleep(0.05)
        worker.kill()
        acknowledged += [line.strip() for line in worker.stdout if line.endswith("\n")]
    store = opened(server_gallery)
    people = {person.name: person for person in store.people()}
    assert acknowledged
    assert set(acknowledged) <= people.keys()
    assert len(people) <= len(acknowledged) + 2  # written without our having heard of it
    for person in people.values():
        assert person.templates == gallery_workers.PHOTOS
        assert person.notes == f"of {person.name}"
    crops = list(store.crops())
    assert [crop.crop for crop in crops] == [f"crop of {crop.person}".encode() for crop in crops]
    assert len(crops) == store.count_templates() == gallery_workers.PHOTOS * len(people)
    assert len(store.search(units(1, 0), 100)[0]) == len(people)
    last = store.add("Last", photos(1, 1, b"crop of Last"))
    assert last.id > max(person.id for person in people.values())
    held = [template.id for name in (*people, "Last") for template in store.templates(name)]
    assert rows(store)["templates"] == rows(store)["crops"] == sorted(held)  # nothing half is left
    store.close()


def test_a_copy_to_the_server_and_back(server_gallery: str, tmp_path: Path) -> None:
    old, new = open_store(tmp_path / "old.db", CONTRACT), open_store(server_gallery, CONTRACT)
    lead(old)
    there = copy(old, new)
    back = open_store(tmp_path / "back.db", CONTRACT)
    assert copy(new, back) == there
    assert said(back) == said(new) == said(old)
    for store in (old, new, back):
        store.close()
