"""What was removed is not in the files of the gallery's tables any more; if it is, the receipt says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import pytest
from tests.gallery.gallery_makers import CONTRACT, OTHER, photos, units
from tests.gallery.servers import Postgres

from firstsight.gallery import NewTemplate, Store, open_store
from firstsight.gallery.postgres import traces

pytestmark = pytest.mark.server

CROP = np.random.default_rng(5).bytes(5000)  # which, like a picture, cannot be made smaller
ADA = NewTemplate(units(1, 77)[0], "passport-of-ada.jpg", 0.9, CROP)
SECRETS = [
    b"Ada Lovelace",
    b"loves numbers",
    b"signed on paper",
    b"passport-of-ada.jpg",
    ADA.embedding.tobytes(),
    CROP[:64],
]


@pytest.fixture
def gallery(postgres_gallery: str) -> Iterator[Store]:
    store = open_store(postgres_gallery, CONTRACT)
    for number in range(8):
        store.add(f"Person {number}", photos(2, number + 10))
    store.add(
        "Ada Lovelace", [ADA], consent="signed on paper", retain_until=date(2031, 7, 9), notes="loves numbers"
    )
    for number in range(8, 16):
        store.add(f"Person {number}", photos(2, number + 10))
    yield store
    store.close()


def found(postgres: Postgres) -> list[bytes]:
    files = postgres.files()
    return [secret for secret in SECRETS if secret in files]


def test_erase(postgres: Postgres, gallery: Store) -> None:
    with postgres.connect() as database:
        database.execute("ANALYZE")  # which draws samples of what is held
    assert found(postgres) == SECRETS  # so that the search below can find something
    assert gallery.erase("Ada Lovelace").cleared
    assert found(postgres) == []


def test_statistics_tell_of_numbers_only(postgres: Postgres, gallery: Store) -> None:
    """They are samples of what was held, which an erasure does not draw anew."""
    with postgres.connect() as database:
        database.execute("ANALYZE")
        told = database.execute(
            "SELECT DISTINCT tablename, attname FROM pg_stats "
            "WHERE schemaname LIKE 'firstsight%' AND tablename IN ('person', 'template')"
        ).fetchall()
    assert set(told) <= {("person", "id"), ("template", "id"), ("template", "person_id")}


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        (lambda store: store.remove_template(17), SECRETS[3:]),
        (lambda store: store.rename("Ada Lovelace", "A."), SECRETS[:1]),
        (lambda store: store.merge("Ada Lovelace", "Person 1"), SECRETS[:1]),
        (lambda store: store.move_template(17, "Person 1"), SECRETS[:3]),
        (lambda store: store.annotate("Ada Lovelace", notes=""), SECRETS[1:2]),
        (lambda store: store.add("Ada Lovelace", [], consent="revoked"), SECRETS[2:3]),
        (lambda store: store.replace_all(OTHER, {}, range(1000)), SECRETS[3:]),
        (
            lambda store: store.replace_all(OTHER, {17: units(1, 1, OTHER.dimension)[0]}, range(1000)),
            SECRETS[4:5],
        ),
    ],
    ids=["remove", "rename", "merge", "move", "annotate", "add", "reembed", "reembed-kept"],
)
def test_every_other_way_to_remove_something(
    postgres: Postgres, gallery: Store, change: Callable[[Store], object], gone: list[bytes]
) -> None:
    change(gallery)
    assert found(postgres) == [secret for secret in SECRETS if secret not in gone]


def test_what_somebody_may_still_look_at_is_reported_and_cleared_after(
    postgres: Postgres, postgres_gallery: str, gallery: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "CLEARING", 0.3)
    with postgres.connect() as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM pg_class")  # of nothing that is the gallery's
        receipt = gallery.erase("Ada Lovelace")
        assert (receipt.templates, receipt.cleared) == (1, False)
        assert "Ada Lovelace" not in {person.name for person in gallery.people()}
        assert found(postgres)
        reader.execute("ROLLBACK")
    open_store(postgres_gallery, CONTRACT).close()
    assert found(postgres) == []


def test_the_next_change_clears_what_an_earlier_one_could_not(
    postgres: Postgres, postgres_gallery: str, gallery: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = f'"firstsight_{postgres_gallery.rpartition("=")[2]}"'
    monkeypatch.setattr(traces, "CLEARING", 0.3)
    with postgres.connect() as reader:
        reader.execute("BEGIN")
        reader.execute(f"LOCK TABLE {schema}.template IN ACCESS SHARE MODE")
        assert not gallery.erase("Ada Lovelace").cleared
        reader.execute("ROLLBACK")
    gallery.rename("Person 1", "Person One")  # which by itself leaves nothing among the templates
    assert found(postgres) == []
