from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.cli.conftest import Run
from tests.gallery.gallery_makers import units

from firstsight.gallery import Contract, NewTemplate, Person, open_store
from firstsight.gallery.sqlite import SqliteStore, traces

CONTRACT = Contract("sface", "0" * 64, "v", 8)


@pytest.fixture
def peopled(gallery: Path) -> Path:
    """Ada with two photos, Bob with one; no model is needed to look at them."""
    store = open_store(gallery, CONTRACT)
    rows = units(3, 8)
    store.add("Ada", [NewTemplate(rows[0], "a.jpg", 0.9), NewTemplate(rows[1], "b.jpg", 0.8, b"crop")])
    store.add("Bob", [NewTemplate(rows[2], "c.jpg", 0.7)], consent="signed")
    store.close()
    return gallery


def photos(run: Run, name: str) -> list[int]:
    return [photo["id"] for photo in run("people", "show", name, "--json").json["photos"]]


def test_list_and_show(run: Run, peopled: Path) -> None:
    listed = run("people", "list", "--json").json
    assert (listed["gallery"], listed["model"]) == (str(peopled), "sface")
    assert [(person["name"], person["templates"]) for person in listed["people"]] == [("Ada", 2), ("Bob", 1)]
    assert set(listed["people"][0]) == {
        *("id", "name", "created", "templates", "consent", "retain_until", "notes")
    }
    shown = run("people", "list")
    assert "Ada" in shown.out
    assert "2 people" in shown.err
    ada = run("people", "show", "Ada")
    assert "a.jpg" in ada.out
    assert "kept" in ada.out


def test_rename_merge_note(run: Run, peopled: Path) -> None:
    assert run("people", "rename", "Ada", "Ada Lovelace").status == 0
    assert run("people", "note", "Ada Lovelace", "--notes", "x", "--retain-until", "2031-02-03").status == 0
    noted = run("people", "show", "Ada Lovelace", "--json").json["person"]
    assert (noted["notes"], noted["retain_until"]) == ("x", "2031-02-03")
    assert run("people", "note", "Ada Lovelace", "--no-date", "--retain-until", "2031-02-03").status == 2
    assert run("people", "note", "Ada Lovelace", "--no-date", "--json").json["person"]["retain_until"] is None
    assert run("people", "merge", "Bob", "Ada Lovelace", "--json").json["person"]["templates"] == 3
    assert [person["name"] for person in run("people", "list", "--json").json["people"]] == ["Ada Lovelace"]


def test_one_wrong_photo_is_moved_or_removed(run: Run, peopled: Path) -> None:
    first, second = photos(run, "Ada")
    moved = run("people", "move-photo", second, "Cyd", "--json").json
    assert (moved["person"]["name"], moved["source"], moved["source_removed"]) == ("Cyd", "Ada", False)
    ran = run("people", "move-photo", photos(run, "Bob")[0], "Cyd")
    assert "Bob was removed" in ran.out
    removed = run("people", "remove-photo", first, "--json").json["receipt"]
    assert (removed["person"], removed["templates"]) == ("Ada", 1)
    assert photos(run, "Ada") == []
    assert len(photos(run, "Cyd")) == 2


@pytest.fixture
def renamed(peopled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once Ada was looked up, she gets another name, and somebody else hers."""
    person = SqliteStore.person

    def meanwhile(store: SqliteStore, name: str) -> Person:
        found = person(store, name)
        monkeypatch.setattr(SqliteStore, "person", person)
        with closing(open_store(peopled, CONTRACT)) as other:
            other.rename("Ada", "Ada Lovelace")
            other.add("Ada", [NewTemplate(units(4, 8)[3], "other.jpg")])
        return found

    monkeypatch.setattr(SqliteStore, "person", meanwhile)


def test_who_is_erased_is_who_was_asked_about(run: Run, peopled: Path, renamed: None) -> None:
    receipt = run("people", "erase", "Ada", "--yes", "--json").json["receipt"]
    assert (receipt["person"], receipt["templates"]) == ("Ada Lovelace", 2)
    with closing(open_store(peopled, CONTRACT)) as store:
        assert [(one.name, one.templates) for one in store.people()] == [("Ada", 1), ("Bob", 1)]


def test_the_photos_shown_are_those_of_the_person_shown(run: Run, peopled: Path, renamed: None) -> None:
    shown = run("people", "show", "Ada", "--json").json
    assert shown["person"]["templates"] == 2
    assert [photo["source"] for photo in shown["photos"]] == ["a.jpg", "b.jpg"]


def test_erase_waits_until_nothing_is_left(run: Run, peopled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a large gallery, which puts that off for programs."""
    monkeypatch.setattr(traces, "LARGE", 0)
    assert run("people", "erase", "Ada", "--json").json["receipt"]["cleared"] is True


def test_erase_gives_a_receipt(run: Run, peopled: Path) -> None:
    receipt = run("people", "erase", "Ada", "--json").json["receipt"]
    assert (receipt["person"], receipt["templates"], receipt["crops"], receipt["cleared"]) == (
        *("Ada", 2, 1),
        True,
    )
    ran = run("people", "erase", "Bob", "--yes")
    assert ran.out.startswith("Erased Bob: 1 templates, 0 kept crops")
    assert run("people", "list", "--json").json["people"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "Nobody"], "no_such_person"),
        (["rename", "Ada", "Bob"], "name_taken"),
        (["rename", "Ada", "\x01"], "invalid_name"),
        (["merge", "Ada", "Ada"], "usage"),
        (["move-photo", "999", "Bob"], "no_such_template"),
        (["remove-photo", "999"], "no_such_template"),
        (["erase", "Nobody", "--yes"], "no_such_person"),
    ],
)
def test_mistakes(run: Run, peopled: Path, arguments: list[str], code: str) -> None:
    before = peopled.read_bytes()
    ran = run("people", *arguments)
    assert ran.status == 2
    assert ran.err.startswith(f"error [{code}]: ")
    assert ran.err.count("\n") == 1
    assert run("people", "list", "--json").json["people"][0]["templates"] == 2
    assert len(peopled.read_bytes()) == len(before)


@pytest.mark.parametrize(
    ("arguments", "bound"),
    [
        (["remove-photo", 2**63], 2**63 - 1),
        (["move-photo", "9" * 20, "Bob"], 2**63 - 1),
        (["remove-photo", "--", f"-{'9' * 20}"], 1),
        (["move-photo", "--", f"-{'9' * 20}", "Bob"], 1),
        (["remove-photo", "0"], 1),
    ],
)
def test_a_number_that_no_gallery_counts_to(
    run: Run, peopled: Path, arguments: list[object], bound: int
) -> None:
    ran = run("people", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert "'ID'" in ran.err
    assert f"{bound}" in ran.err
    assert "[no_such_template]" in run("people", "remove-photo", 2**63 - 1).err


def test_galleries_that_cannot_be_opened(run: Run, tmp_path: Path) -> None:
    ran = run("people", "list")
    assert "[gallery_missing]" in ran.err
    (tmp_path / "people.db").write_bytes(b"not a gallery" * 100)
    ran = run("people", "list")
    assert ran.status == 2
    assert "[gallery_corrupt]" in ran.err
    assert "[usage]" in run("people", "list", "--gallery", "oracle://somewhere").err


def test_names_are_shown_as_they_are_written(run: Run, gallery: Path) -> None:
    store = open_store(gallery, CONTRACT)
    store.add("[bold]Zoë[/bold] 李", [NewTemplate(units(1, 8)[0])])
    store.close()
    assert "[bold]Zoë[/bold] 李" in run("people", "list").out


@pytest.mark.parametrize("arguments", [["--help"], ["people", "list"], ["identify", "--help"]])
def test_start_up_without_torch(peopled: Path, arguments: list[str]) -> None:
    code = (
        "import json, sys\n"
        "from firstsight.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(json.dumps([name for name in ('torch', 'cv2', 'matplotlib') if name in sys.modules]), "
        "file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={"FIRSTSIGHT_GALLERY": str(peopled), "PATH": ""},
    )
    assert json.loads(ran.stderr.splitlines()[-1]) == []
    assert ran.stdout
