from __future__ import annotations

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
