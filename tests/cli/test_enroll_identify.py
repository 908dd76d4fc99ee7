from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Run

People = dict[str, list[Path]]


@pytest.fixture
def enrolled(run: Run, people: People) -> list[str]:
    """The first three people, from one picture each."""
    names = list(people)[:3]
    for name in names:
        assert run("enroll", people[name][0], "--name", name).status == 0
    return names


def test_the_answer_for_people(run: Run, enrolled: list[str], people: People) -> None:
    ran = run("identify", people[enrolled[0]][1])
    assert ran.status == 0
    assert enrolled[0] in ran.out
    assert "0.01 of strangers" in ran.err


def test_the_answer_for_machines(run: Run, enrolled: list[str], people: People, gallery: Path) -> None:
    ran = run("identify", people[enrolled[0]][1], "--json", "--fpir", "0.001")
    assert ran.status == 0
    assert set(ran.json) == {"gallery", "model", "templates", "fpir", "photos"}
    assert (ran.json["gallery"], ran.json["model"], ran.json["templates"]) == (str(gallery), "sface", 3)
    (photo,) = ran.json["photos"]
    assert photo["photo"] == str(people[enrolled[0]][1])
    (face,) = photo["faces"]
    assert set(face) == {
        *("box", "person", "person_id", "similarity", "threshold", "margin", "best", "runner_up", "quality")
    }
    assert face["person"] == face["best"]["person"] == enrolled[0]
    assert set(face["best"]) == {"person", "person_id", "similarity", "likelihood_ratio"}
    assert set(face["box"]) == {"left", "top", "width", "height"}
    assert face["similarity"] > face["threshold"] > face["runner_up"]["similarity"]


def test_a_stranger_is_exit_status_one(run: Run, enrolled: list[str], strangers: People) -> None:
    photo = next(iter(strangers.values()))[0]
    ran = run("identify", photo)
    assert ran.status == 1
    assert "nobody I know" in ran.out
    assert run("identify", photo, "--json").json["photos"][0]["faces"][0]["person"] is None


def test_photos_of_one_name_are_told_apart(run: Run, enrolled: list[str], people: People) -> None:
    for folder, name in zip(("desk", "door"), enrolled, strict=False):
        Path(folder).mkdir()
        shutil.copy(people[name][1], Path(folder, "2.jpg"))
    shutil.copy(people[enrolled[2]][1], "other.jpg")
    Path("hall").mkdir()
    shutil.copy("other.jpg", "hall/alone.jpg")
    ran = run("identify", "desk/2.jpg", "door/2.jpg", "other.jpg", "hall/alone.jpg", "other.jpg")
    assert ran.status == 0
    rows = [line.split()[:2] for line in ran.out.splitlines()[1:]]
    wanted = ["desk/2.jpg", "door/2.jpg", "other.jpg", "alone.jpg", "other.jpg"]
    assert rows == [*map(list, zip(wanted, [*enrolled, enrolled[2], enrolled[2]], strict=True))]


def test_no_face_is_nobody(run: Run, enrolled: list[str], tmp_path: Path) -> None:
    Image.new("RGB", (80, 80), "gray").save(tmp_path / "wall.png")
    ran = run("identify", tmp_path / "wall.png")
    assert ran.status == 1
    assert "no face found" in ran.out


def test_one_bad_photo_does_not_hide_the_others(run: Run, enrolled: list[str], people: People) -> None:
    ran = run("identify", "missing.jpg", people[enrolled[1]][1], "--json")
    assert ran.status == 2
    bad, good = ran.json["photos"]
    assert good["faces"][0]["person"] == enrolled[1]
    assert bad["error"]["code"] == "image_missing"
    assert ran.err.startswith("error [image_missing]: There is no file missing.jpg.")


def test_a_picture_of_the_answer(run: Run, enrolled: list[str], people: People, tmp_path: Path) -> None:
    photo = people[enrolled[0]][1]
    assert run("identify", photo, "--picture", "out/answer.png").status == 0
    with Image.open(tmp_path / "out" / "answer.png") as drawn, Image.open(photo) as original:
        assert drawn.size == original.size
    ran = run("identify", photo, photo, "--picture", "answer.png")
    assert (ran.status, ran.out) == (2, "")


def test_a_picture_that_cannot_be_written_is_the_whole_answer(
    run: Run, enrolled: list[str], people: People
) -> None:
    ran = run("identify", people[enrolled[0]][1], "--picture", "answer.xyz", "--json")
    assert ran.status == 2
    assert ran.json["error"]["code"] == "usage"
    assert run("identify", people[enrolled[0]][1], "--picture", "answer.xyz").out == ""


def test_the_gallery_s_own_model_is_used(run: Run, people: People) -> None:
    name = next(iter(people))
    assert run("enroll", people[name][0], "--name", name, "--model", "dlib").status == 0
    assert run("identify", people[name][1], "--json").json["model"] == "dlib"
    ran = run("identify", people[name][1], "--model", "sface")
    assert ran.status == 2
    assert "[model_mismatch]" in ran.err


def test_identify_without_a_gallery_makes_none(run: Run, people: People, gallery: Path) -> None:
    ran = run("identify", next(iter(people.values()))[0])
    assert ran.status == 2
    assert "[gallery_missing]" in ran.err
    assert not gallery.exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["photo.jpg"], "usage"),
        (["--name", "Ada"], "usage"),
        (["photo.jpg", "--folder", "."], "usage"),
        (["missing.jpg", "--name", "Ada"], "image_missing"),
        ([".", "--name", "Ada"], "image_missing"),
        (["empty.png", "--name", "Ada"], "image_unreadable"),
        (["text.jpg", "--name", "Ada"], "image_unreadable"),
        (["cut.jpg", "--name", "Ada"], "image_unreadable"),
        (["wall.png", "--name", "Ada"], "no_face"),
        (["pair.jpg", "--name", "Ada"], "several_faces"),
        (["photo.jpg", "--name", ""], "invalid_name"),
        (["photo.jpg", "--name", "x" * 10_000], "invalid_name"),
        (["photo.jpg", "--name", "a\x07b"], "invalid_name"),
        (["photo.jpg", "--name", "Ada", "--model", "none"], "unknown_model"),
    ],
)
def test_bad_input_is_one_line_and_enrols_nobody(
    run: Run,
    people: People,
    together: dict[Path, tuple[str, ...]],
    tmp_path: Path,
    arguments: list[str],
    code: str,
) -> None:
    shutil.copy(next(iter(people.values()))[0], "photo.jpg")
    shutil.copy(next(iter(together)), "pair.jpg")
    whole = Path("photo.jpg").read_bytes()
    Path("cut.jpg").write_bytes(whole[: len(whole) // 2])
    Path("empty.png").touch()
    Path("text.jpg").write_text("hello")
    Image.new("RGB", (80, 80), "gray").save("wall.png")
    ran = run("enroll", *arguments)
    assert ran.status == 2
    assert ran.err.startswith(f"error [{code}]: ")
    assert ran.err.count("\n") == 1
    assert not ran.out
    assert not Path("people.db").exists()
    shown = run("enroll", *arguments, "--json").json["error"]
    assert shown["code"] == code
    assert shown["message"]


def test_what_is_refused_does_not_begin_a_gallery(
    run: Run, people: People, gallery: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be in the open, and refuse the key that the next command has."""
    Path("photos").mkdir()
    Path("photos/Ada.jpg").write_text("hello")
    assert run("enroll", "missing.jpg", "--name", "Ada").status == 2
    assert run("enroll", "--folder", "photos").status == 2
    assert not gallery.exists()
    monkeypatch.setenv("FIRSTSIGHT_KEY", base64.b64encode(bytes(32)).decode())
    shutil.copy(next(iter(people.values()))[0], "photos/Bob.jpg")
    assert run("enroll", "--folder", "photos", "--json").json["enrolled"] == 1
    assert run("enroll", "photos/Bob.jpg", "--name", "Bob").status == 0
    monkeypatch.delenv("FIRSTSIGHT_KEY")
    assert "[gallery_locked]" in run("enroll", "photos/Bob.jpg", "--name", "Bob").err


def test_a_team_is_not_enrolled_as_one_person(
    run: Run, people: People, tmp_path: Path, gallery: Path
) -> None:
    for name in list(people)[:2]:
        (tmp_path / "photos" / "team-a" / name).mkdir(parents=True)
        shutil.copy(people[name][0], tmp_path / "photos" / "team-a" / name / "1.jpg")
    ran = run("enroll", "--folder", "photos")
    assert (ran.status, gallery.exists()) == (2, False)
    assert "photos/team-a" in ran.err
    assert run("enroll", "--folder", "photos/team-a", "--json").json["enrolled"] == 2


def test_a_folder_of_people(run: Run, people: People, tmp_path: Path) -> None:
    names = list(people)[:3]
    for name in names:
        shutil.copytree(people[name][0].parent, tmp_path / "photos" / name)
    (tmp_path / "photos" / "bad.jpg").write_text("hello")
    ran = run("enroll", "--folder", "photos", "--keep-crops", "--consent", "signed", "--json")
    assert ran.status == 2
    assert (ran.json["enrolled"], ran.json["already_enrolled"], ran.json["refused"]) == (12, 0, 1)
    (refused,) = [photo for photo in ran.json["photos"] if photo["error"]]
    assert (refused["photo"], refused["error"]["code"]) == ("bad.jpg", "image_unreadable")
    (tmp_path / "photos" / "bad.jpg").unlink()
    again = run("enroll", "--folder", "photos")
    assert again.status == 0
    assert "0 photos enrolled, 12 were already, 0 refused; 3 people." in again.out
    shown = run("people", "show", names[0], "--json").json
    assert shown["person"]["consent"] == "signed"
    assert [photo["source"] for photo in shown["photos"]] == [f"{names[0]}/{n}.jpg" for n in range(1, 5)]
    assert all(photo["crop_kept"] for photo in shown["photos"])


def test_a_gallery_at_home_and_one_in_memory(
    run: Run, people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No shell replaces ``~`` in ``--gallery=~/...`` or in a setting."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    photo = people["Amara"][0]
    assert run("enroll", photo, "--name", "Amara", "--gallery=~/deep/people.db").status == 0
    listed = run("people", "list", "--gallery=~/deep/people.db", "--json").json
    assert listed["gallery"] == str(tmp_path / "home" / "deep" / "people.db")
    for arguments in (["enroll", photo, "--name", "Amara"], ["people", "list"]):
        ran = run(*arguments, "--gallery", ":memory:")
        assert ran.status == 2
        assert ran.err.startswith("error [usage]: There are no galleries in memory")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_faces_of_a_photo_with_several_are_listed(run: Run, together: dict[Path, tuple[str, ...]]) -> None:
    ran = run("enroll", next(iter(together)), "--name", "Ada", "--json")
    assert "px at" not in ran.json["error"]["message"]
    assert ran.err.count(" px at ") == 2
    assert ran.err.count("\n") == 1
    # For a program, which asks whom to cut out.
    boxes = ran.json["error"]["boxes"]
    told = [f"{box['width']:.0f} x {box['height']:.0f} px at ({box['left']:.0f}," for box in boxes]
    assert len(told) == 2
    assert all(one in ran.err for one in told)
