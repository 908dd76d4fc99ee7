from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from benchmarks.sections import servers_table
from benchmarks.servers import K, measured, named, recall
from benchmarks.synthetic import CONTRACT, SEED, everybody, nearest, probes_of, units

from firstsight.errors import UsageError
from firstsight.gallery import NewTemplate, open_store


def test_a_gallery_in_a_file_finds_everybody(tmp_path: Path) -> None:
    answer = tmp_path / "servers.json"
    measured([str(tmp_path / "people.db")], 700, 0, answer)
    values = json.loads(answer.read_text())
    found = values["galleries"]["file"]
    assert {found[name]["value"] for name in found if "found" in name} == {1.0}
    assert values["settings"]["templates"] == 700
    *_, line = servers_table(values)
    assert line.startswith("| file | ")
    assert line.endswith("| 100.00 %, 100.00 % | 100.00 %, 100.00 % |")


def test_one_that_has_people_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    with closing(open_store(path, CONTRACT)) as store:
        store.add("Ada", [NewTemplate(units(1, 5)[0])])
    with pytest.raises(UsageError, match="gallery file has people already"):
        measured([str(path)], 400, 0, tmp_path / "servers.json")
    assert not (tmp_path / "servers.json").exists()
    with closing(open_store(path)) as store:
        assert store.count_people() == 1


def test_what_is_missed_counts(tmp_path: Path) -> None:
    """A gallery that has half of them finds half, also of those that should be among the nearest."""
    rows = everybody(40)
    with closing(open_store(tmp_path / "people.db", CONTRACT)) as store:
        for number, row in enumerate(rows[:20]):
            store.add(f"Person {number}", [NewTemplate(row)])
        wanted = nearest(rows, rows, K) + 1
        first, among = recall(store, rows, wanted)
    assert first == 0.5
    assert among == pytest.approx(np.mean(wanted <= 20))


def test_neither_host_nor_password_is_told() -> None:
    assert named("milvus://ada:sesame@host:19530/people?index=hnsw&ef=64") == "milvus index=hnsw ef=64"
    assert named("postgresql://ada:sesame@host/db?gallery=people") == "postgresql"
    assert named("some/folder/people.db") == "file"


def test_the_nearest_are_those_of_a_full_comparison() -> None:
    rows = units(10_500, 1)  # more than are looked at at a time
    probes = probes_of(rows[:7], SEED + 3)
    found = nearest(probes, rows, 5)
    assert (found == np.argsort(-(probes @ rows.T), axis=1, kind="stable")[:, :5]).all()
    assert (found[:, 0] == np.arange(7)).all()
