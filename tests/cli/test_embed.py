"""Many photos: into a folder of templates, or, by several processes, into one gallery."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import cv2
import pytest
from tests.cli.conftest import Run

from firstsight.recognizer.pieces import read_pieces

cli_embed = import_module("firstsight.cli.embed")
People = dict[str, list[Path]]
PATIENCE = 120.0
"""Seconds after which a test gives up."""


@pytest.fixture
def folder(people: People, tmp_path: Path) -> Path:
    """Four photos of each of three people, and a file that is no picture."""
    root = tmp_path / "photos"
    for name in list(people)[:3]:
        shutil.copytree(people[name][0].parent, root / name)
    (root / "bad.jpg").write_text("hello")
    return root


def started(*arguments: object, rank: int | None = None) -> subprocess.Popen[str]:
    """The command in a process of its own; with a rank one of two, as ``torchrun`` has it."""
    told = {} if rank is None else {"RANK": str(rank), "WORLD_SIZE": "2"}
    return subprocess.Popen(
        [sys.executable, "-m", "firstsight", *map(str, arguments)],
        env=os.environ | {"OMP_NUM_THREADS": "1"} | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def statuses(*processes: subprocess.Popen[str]) -> list[int]:
    for process in processes:
        process.communicate(timeout=PATIENCE)
    return [process.returncode for process in processes]


def lines(out: Path) -> Counter[str]:
    """How often each photo is in the files."""
    return Counter(line["photo"] for piece in read_pieces(out) for line in piece.lines)


def test_templates_of_a_folder(run: Run, folder: Path) -> None:
    before = cv2.getNumThreads()
    ran = run("embed", folder, "out")
    assert ran.status == 2
    assert "bad.jpg" in ran.out
    assert "12 photos embedded, with 12 faces; 0 were already, 1 refused." in ran.out
    assert cv2.getNumThreads() == before
    (folder / "bad.jpg").unlink()
    ran = run("embed", folder, "out", "--json", "--workers", "2")
    assert ran.status == 0
    assert ran.json == {
        **dict.fromkeys(("embedded", "refused", "faces"), 0),
        "already_embedded": 12,
        "out": "out",
        "model": "sface",
        "part": "1/1",
    }
    (piece,) = read_pieces(Path("out"))
    assert piece.faces.templates.shape == (12, 128)


def test_parts_are_shared_by_hand(run: Run, folder: Path) -> None:
    (folder / "bad.jpg").unlink()
    for part, count in (("1/5", 3), ("2/5", 3), ("3/5", 2), ("4/5", 2), ("5/5", 2)):
        assert run("embed", folder, "out", "--part", part, "--json").json["embedded"] == count
    assert set(lines(Path("out")).values()) == {1}
    assert len(lines(Path("out"))) == 12
    assert run("embed", folder, "out", "--json").json["already_embedded"] == 12
    assert run("enroll", "--folder", folder, "--part", "1/2", "--json").json["enrolled"] == 6
    assert run("enroll", "--folder", folder, "--json").json["already_enrolled"] == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ["embed", "missing", "out"],
        ["embed", "photos", "photos/bad.jpg"],
        ["embed", "photos", "out", "--part", "3/2"],
        ["enroll", "--folder", "photos", "--part", "0/2"],
        ["enroll", "a.jpg", "--name", "Ada", "--part", "1/2"],
        ["enroll", "a.jpg", "--name", "Ada", "--workers", "2"],
    ],
)
def test_bad_use_is_one_line(run: Run, folder: Path, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("error [usage]: ")
    assert ran.err.count("\n") == 1


def test_two_processes_embed_all_and_nothing_twice(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    both = [started("embed", folder, out, rank=rank) for rank in range(2)]
    assert sorted(statuses(*both)) == [0, 2]  # one of them met the bad file
    found = lines(out)
    assert set(found.values()) == {1}
    assert sorted(found) == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg"))


def test_two_processes_enrol_into_one_gallery(run: Run, folder: Path, gallery: Path) -> None:
    both = [started("enroll", "--folder", folder, "--gallery", gallery, rank=rank) for rank in range(2)]
    assert sorted(statuses(*both)) == [0, 2]
    for person in run("people", "list", "--json").json["people"]:
        shown = run("people", "show", person["name"], "--json").json["photos"]
        names = [f"{person['name']}/{number}.jpg" for number in range(1, 5)]
        assert sorted(photo["source"] for photo in shown) == names
    assert run("enroll", "--folder", folder, "--json").json["already_enrolled"] == 12


def test_ctrl_c_keeps_what_was_done(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bad.jpg").unlink()

    @contextmanager
    def interrupting(title: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, whole: signal.raise_signal(signal.SIGINT) if done == 5 else None

    # A run in the background of a shell ignores it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(cli_embed, "progress", interrupting)
            ran = run("embed", folder, "out")
    finally:
        signal.signal(signal.SIGINT, handler)
    assert (ran.status, ran.out) == (130, "")
    assert ran.err == "Interrupted; what was acknowledged is kept.\n"
    assert len(lines(Path("out"))) == 5
    assert run("embed", folder, "out", "--json").json["already_embedded"] == 5
    assert set(lines(Path("out")).values()) == {1}
    assert len(lines(Path("out"))) == 12
