from __future__ import annotations

import io
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from tests.datasets.dataset_makers import CHARACTERS, toy_omniglot, toy_runs

from firstsight.datasets.omniglot import RUN_ALPHABETS, Omniglot, open_omniglot, paper_split
from firstsight.errors import DataError

PARTS = ("train", "validation", "test")


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return toy_omniglot(tmp_path / "omniglot")


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Omniglot:
    return open_omniglot(shared_data / "omniglot")


def pixels(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (105, 105)
        return picture.convert("1").tobytes()


def repack(path: Path, change: dict[str, bytes | None]) -> None:
    """Write a zip anew with files added or replaced; None takes one away."""
    with zipfile.ZipFile(path) as old:
        files: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as made:
        for name, content in (files | change).items():
            if content is not None:
                made.writestr(name, content)


def test_the_class_is_the_character_and_never_the_alphabet_alone(toy: Path) -> None:
    _, drawings = open_omniglot(toy).background
    assert len(drawings) == 30 * CHARACTERS * 20
    counts = Counter(drawing.character for drawing in drawings)
    assert len(counts) == 30 * CHARACTERS
    assert set(counts.values()) == {20}
    for drawing in drawings:
        assert drawing.name == f"images_background/{drawing.character}/0001_{drawing.drawer:02d}.png"
        assert drawing.character.startswith(f"{drawing.alphabet}/character")


def test_unpacked_archives_will_do_as_well(toy: Path) -> None:
    packed = open_omniglot(toy)
    for path in sorted(toy.glob("*.zip")):
        folder = toy if path.stem.startswith("images") else toy / path.stem
        with zipfile.ZipFile(path) as opened:
            opened.extractall(folder)
        path.unlink()
    unpacked = open_omniglot(toy)
    for left, right in ((packed.background, unpacked.background), (packed.evaluation, unpacked.evaluation)):
        assert sorted((one.character, one.drawer) for one in left[1]) == sorted(
            (one.character, one.drawer) for one in right[1]
        )
    assert unpacked.runs[1] == packed.runs[1]


def test_a_run_tells_which_support_each_probe_shows(toy: Path) -> None:
    archive, runs = open_omniglot(toy).runs
    assert len(runs) == 20
    assert runs[6].support == ("run07/training/class1.png", "run07/training/class2.png")
    assert runs[6].probes == ("run07/test/item1.png", "run07/test/item2.png")
    assert runs[6].truth == (1, 0)
    assert all(archive.read(name) == b"" for run in runs for name in run.support + run.probes)


def test_runs_in_a_folder_of_their_own(toy: Path) -> None:
    with zipfile.ZipFile(toy / "all_runs.zip", "w") as made:
        for name, content in toy_runs().items():
            made.writestr(f"all_runs/{name}", content)
    archive, runs = open_omniglot(toy).runs
    assert runs[0].probes[0] == "all_runs/run01/test/item1.png"
    assert all(name in archive.sizes for run in runs for name in run.support + run.probes)


@pytest.mark.parametrize(
    ("part", "name", "content", "message"),
    [
        ("images_background", "images_background/Back00/character01/0001_01.png", None, "not 30 and 20"),
        ("images_background", "images_background/Back00/extra/0001_01.png", b"", "not 30 and 20"),
        ("images_evaluation", "images_evaluation/New/character01/0001_01.png", b"", "not 20 and 20"),
        ("images_background", "images_background/Back00/character01/first.png", b"", "first.png"),
        ("images_background", "0001_02.png", b"", "0001_02.png"),
        ("all_runs", "run07/class_labels.txt", None, "no run 7"),
        ("all_runs", "run07/test/item2.png", None, "run 7 that is not whole"),
        ("all_runs", "run07/class_labels.txt", b"one", "run 7"),
        ("all_runs", "run07/class_labels.txt", b"\xff\xfe", "run 7"),
        (
            "all_runs",
            "run07/class_labels.txt",
            b"run07/test/item1.png run07/training/class1.png run07/test/item2.png run07/training/class1.png",
            "run 7 that is not whole",
        ),
    ],
)
def test_what_is_not_as_published(
    toy: Path, part: str, name: str, content: bytes | None, message: str
) -> None:
    repack(toy / f"{part}.zip", {name: content})
    with pytest.raises(DataError, match=message) as caught:
        open_omniglot(toy)
    assert str(toy / f"{part}.zip") in caught.value.message


def test_missing_parts(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        open_omniglot(tmp_path / "missing")
    (toy / "all_runs.zip").unlink()
    with pytest.raises(DataError, match=r"no all_runs\.zip"):
        open_omniglot(toy)
    shutil.rmtree(toy)
    toy.mkdir()
    with pytest.raises(DataError, match=r"no images_background\.zip"):
        open_omniglot(toy)


def test_the_real_counts(real: Omniglot) -> None:
    for (_, drawings), alphabets, characters in ((real.background, 30, 964), (real.evaluation, 20, 659)):
        assert len({one.alphabet for one in drawings}) == alphabets
        people = Counter(one.character for one in drawings)
        assert len(people) == characters
        assert len({(one.character, one.drawer) for one in drawings}) == 20 * characters == len(drawings)


def test_the_paper_s_split_shares_no_alphabet_and_no_drawer(real: Omniglot) -> None:
    parts = {part: paper_split(real, part) for part in PARTS}
    assert {part: len({one.alphabet for one in found}) for part, found in parts.items()} == {
        "train": 30,
        "validation": 10,
        "test": 10,
    }
    drawers = {part: {one.drawer for one in found} for part, found in parts.items()}
    assert {part: len(found) for part, found in drawers.items()} == {"train": 12, "validation": 4, "test": 4}
    for kind in ("alphabet", "character", "drawer", "name"):
        seen = [{getattr(one, kind) for one in found} for found in parts.values()]
        assert sum(map(len, seen)) == len(set().union(*seen))
    assert {one.alphabet for one in parts["test"]} == RUN_ALPHABETS
    for part, found in parts.items():
        characters = {one.character for one in found}
        assert len(found) == len(characters) * len(drawers[part])
    # 964 characters of the background, 659 of the ten and ten evaluation alphabets.
    characters_of = [len({one.character for one in found}) for found in parts.values()]
    assert characters_of[0] == 964
    assert sum(characters_of[1:]) == 659


def test_the_official_runs_and_their_alphabets(real: Omniglot) -> None:
    archive, drawings = real.evaluation
    # The files were packed anew for the runs; the pixels are the same.
    known = {pixels(archive.read(one.name)): one for one in drawings}
    assert len(known) == len(drawings)
    packed, runs = real.runs
    assert len(runs) == 20
    alphabets = Counter[str]()
    for run in runs:
        assert len(run.support) == len(run.probes) == len(set(run.support)) == 20
        assert sorted(run.truth) == list(range(20))
        support, probes = (
            [known[pixels(packed.read(name))] for name in names] for names in (run.support, run.probes)
        )
        assert [support[place].character for place in run.truth] == [one.character for one in probes]
        assert len({one.character for one in support}) == 20
        shown, asked = ({one.drawer for one in side} for side in (support, probes))
        assert (len(shown), len(asked)) == (1, 1)
        assert shown != asked
        (alphabet,) = {one.alphabet for one in (*support, *probes)}
        alphabets[alphabet] += 1
    assert set(alphabets) == RUN_ALPHABETS
    assert set(alphabets.values()) == {2}
