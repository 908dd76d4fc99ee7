"""What was removed is gone from the files: grep them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, OTHER, photos, raw, units

from firstsight.errors import GalleryUnavailable
from firstsight.gallery import NewTemplate, Store, open_store
from firstsight.gallery.sqlite import connection, traces

LETTERS = "ghjkmnpq"
"""Ten of them in a row are nothing but a part of a name."""
CROP = b"crop" * 3000
ADA = NewTemplate(units(1, 1)[0], "passport-of-ada.jpg", 1, CROP)
SECRETS = [
    b"Ada Lovelace",
    b"loves numbers",
    b"signed on paper",
    b"2031-07-09",
    b"passport-of-ada.jpg",
    ADA.embedding.tobytes(),
    CROP[:64],
]


def enrol(store: Store) -> None:
    for number in range(20):
        store.add(f"Person {number}", photos(3, number + 10))
    store.add(
        "Ada Lovelace",
        [ADA],
        consent="signed on paper",
        retain_until=date(2031, 7, 9),
        notes="loves numbers",
    )
    for number in range(20, 40):
        store.add(f"Person {number}", photos(3, number + 10))


def found(path: Path, secrets: list[bytes] = SECRETS) -> list[bytes]:
    files = raw(path)
    return [secret for secret in secrets if secret in files]


def test_erase(plain: Store, path: Path) -> None:
    enrol(plain)
    assert found(path) == SECRETS  # so that the search below can find something
    assert plain.erase("Ada Lovelace").cleared
    assert found(path) == []


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        (lambda store: store.remove_template(61), SECRETS[4:]),
        (lambda store: store.rename("Ada Lovelace", "A."), SECRETS[:1]),
        (lambda store: store.merge("Ada Lovelace", "Person 1"), SECRETS[:1]),
        (lambda store: store.move_template(61, "Person 1"), SECRETS[:4]),
        (lambda store: store.annotate("Ada Lovelace", notes=""), SECRETS[1:2]),
        (lambda store: store.add("Ada Lovelace", [], consent="revoked"), SECRETS[2:3]),
        (lambda store: store.replace_all(OTHER, {}, range(1000)), SECRETS[4:]),
    ],
    ids=["remove", "rename", "merge", "move", "annotate", "add", "reembed"],
)
def test_every_other_way_to_remove_something(
    plain: Store, path: Path, change: Callable[[Store], object], gone: list[bytes]
) -> None:
    enrol(plain)
    change(plain)
    assert found(path) == [secret for secret in SECRETS if secret not in gone]


def test_no_part_of_a_name_survives_many_changes(plain: Store, path: Path) -> None:
    """SQLite leaves copies in pages that it divides and joins; parts of one count, too."""
    generator = np.random.default_rng(2)
    alive: list[str] = []

    def new_name() -> str:
        length = int(generator.choice([12, 30, 60]))
        return f"~{''.join(generator.choice(list(LETTERS), length))}~"

    for _ in range(500):
        what = generator.random()
        if what < 0.6 or len(alive) < 5:
            alive.append(new_name())
            plain.add(alive[-1], photos(1, 0))
        elif what < 0.85:
            plain.erase(alive.pop(int(generator.integers(len(alive)))))
        else:
            place = int(generator.integers(len(alive)))
            alive[place], old = new_name(), alive[place]
            plain.rename(old, alive[place])
    assert plain.erase(alive.pop()).cleared
    parts = {name[start : start + 10] for name in alive for start in range(len(name) - 9)}
    for match in re.findall(rf"[{LETTERS}]{{10,}}".encode(), raw(path)):
        text = match.decode()
        assert all(text[start : start + 10] in parts for start in range(len(text) - 9)), text


def test_a_reader_that_holds_the_log_is_reported_and_cleared_after(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "CLEARING", 0.1)
    enrol(plain)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM person").fetchone()
    receipt = plain.erase("Ada Lovelace")
    assert not receipt.cleared
    assert found(path)
    assert not any(person.name == "Ada Lovelace" for person in plain.people())
    reader.execute("ROLLBACK")
    reader.close()
    again = open_store(path, CONTRACT)
    assert found(path) == []
    again.close()


def test_the_next_change_clears_what_an_earlier_one_could_not(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(plain)
    with monkeypatch.context() as broken:
        broken.setattr(traces, "_log_emptied", lambda database, patience: False)
        assert not plain.erase("Ada Lovelace").cleared
    assert plain.erase("Person 1").cleared
    assert found(path) == []


def test_erasing_is_acknowledged_also_when_the_disk_is_full(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(database: sqlite3.Connection, patience: float) -> bool:
        raise GalleryUnavailable("The disk is full.")

    enrol(plain)
    monkeypatch.setattr(traces, "_log_emptied", full)
    assert not plain.erase("Ada Lovelace").cleared
    assert not any(person.name == "Ada Lovelace" for person in plain.people())


def test_in_a_large_gallery_traces_are_cleared_when_it_is_closed(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erasing takes no longer than in a small one, and is seen at once."""
    enrol(plain)
    monkeypatch.setattr(traces, "LARGE", path.stat().st_size)
    assert not plain.erase("Ada Lovelace").cleared
    assert "Ada Lovelace" not in {person.name for person in plain.people()}
    assert found(path)
    plain.close()
    assert found(path) == []


def test_in_a_large_gallery_traces_are_cleared_when_asked_for(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(plain)
    monkeypatch.setattr(traces, "LARGE", path.stat().st_size)
    for name in ("Ada Lovelace", "Person 1"):
        assert not plain.erase(name).cleared
    assert plain.clear()
    assert found(path) == []


def test_a_large_gallery_whose_process_died_is_cleared_by_the_next(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(plain)
    monkeypatch.setattr(traces, "LARGE", path.stat().st_size)
    plain.rename("Ada Lovelace", "A.")
    open_store(path, CONTRACT).close()
    assert found(path, SECRETS[:1]) == []


def test_who_changed_nothing_does_not_clear_when_closing(
    plain: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each look at a gallery of a million would rewrite it."""
    enrol(plain)
    reader = open_store(path, CONTRACT)
    monkeypatch.setattr(traces, "LARGE", path.stat().st_size)
    plain.erase("Ada Lovelace")
    reader.close()
    assert found(path)
