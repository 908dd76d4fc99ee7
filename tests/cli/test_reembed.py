from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.conftest import Run

People = dict[str, list[Path]]


def test_whom_it_drops_is_told(run: Run, people: People) -> None:
    first, second = list(people)[:2]
    run("enroll", people[first][0], "--name", first, "--keep-crops")
    run("enroll", people[second][0], "--name", second)
    told = f"hoto 2 of {second} (1.jpg): no crop was kept."
    refused = run("reembed", "--model", "dlib")
    assert refused.status == 2
    assert f"P{told}" in refused.out
    assert "Dropped" not in refused.out
    done = run("reembed", "--model", "dlib", "--drop")
    assert done.status == 0
    assert f"Dropped p{told}" in done.out
    assert f"To be enrolled again: {second}." in done.out


def test_nobody_gets_another_s_face(run: Run, people: People, tmp_path: Path) -> None:
    """Both photos are called 1.jpg, and the folder holds one of them only."""
    ada, bob = (pictures[0] for pictures in list(people.values())[:2])
    for name, photo in (("Ada", ada), ("Bob", bob)):
        (tmp_path / name).mkdir()
        shutil.copy(photo, tmp_path / name / "1.jpg")
        assert run("enroll", f"{name}/1.jpg", "--name", name).status == 0
    refused = run("reembed", "--model", "dlib", "--photos", "Ada")
    assert refused.status == 2
    assert "may be the photo of any of 2 people" in refused.out
    assert "Nothing was changed" in refused.err
    assert run("identify", bob, "--json").json["photos"][0]["faces"][0]["person"] == "Bob"
    assert run("reembed", "--model", "dlib", "--photos", ".").status == 0
    for name, photo in (("Ada", ada), ("Bob", bob)):
        face = run("identify", photo, "--json").json["photos"][0]["faces"][0]
        assert face["person"] == name
        assert face["runner_up"]["similarity"] < face["threshold"]
