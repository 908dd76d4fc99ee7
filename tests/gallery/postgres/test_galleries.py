"""What is in a database: several galleries, none, another's, one of a later version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.gallery.gallery_makers import CONTRACT, KEY, OTHER, names, photos, units
from tests.gallery.servers import Postgres
from typer.testing import CliRunner

from firstsight.cli.app import app
from firstsight.errors import GalleryCorrupt, GalleryLocked, GalleryTooNew, GalleryUnavailable, ModelMismatch
from firstsight.gallery import Contract, NewTemplate, open_store
from firstsight.gallery.postgres import live
from firstsight.gallery.vault import Vault

pytestmark = pytest.mark.server

WORD = "word"


@pytest.fixture
def bare(postgres: Postgres) -> Iterator[str]:
    """A database without pgvector."""
    with postgres.connect() as database:
        database.execute("CREATE DATABASE bare TEMPLATE template0")
        yield "bare"
        database.execute("DROP DATABASE bare WITH (FORCE)")


def test_two_galleries_in_one_database_share_nothing(postgres: Postgres, postgres_gallery: str) -> None:
    other = postgres_gallery.replace("gallery=test", "gallery=Test")  # case counts, too
    one, two = open_store(postgres_gallery, CONTRACT), open_store(other, OTHER, key=KEY)
    one.add("Ada", photos(2, 1))
    two.add("Ada", [NewTemplate(units(1, 1, OTHER.dimension)[0])], notes="another Ada")
    assert two.person("Ada").notes == "another Ada"
    assert (one.person("Ada").id, two.person("Ada").id) == (1, 1)
    assert two.erase("Ada").templates == 1
    assert [match.person for match in one.search(units(1, 1), 5)[0]] == ["Ada"]
    assert (one.count_templates(), two.count_templates()) == (2, 0)
    one.close()
    two.close()
    with postgres.connect() as database:
        database.execute(f'DROP SCHEMA "firstsight_{other.rpartition("=")[2]}" CASCADE')


def test_without_pgvector_one_is_told_what_to_do(postgres: Postgres, bare: str) -> None:
    address = postgres.address("people", database=bare)
    with pytest.raises(GalleryUnavailable, match="pgvector") as caught:
        open_store(address, CONTRACT)
    assert "CREATE EXTENSION vector" in caught.value.hint
    with postgres.connect(bare) as database:
        assert not database.execute("SELECT 1 FROM pg_namespace WHERE nspname ~ 'firstsight'").fetchall()


def test_a_sealed_gallery_needs_no_pgvector(postgres: Postgres, bare: str) -> None:
    store = open_store(postgres.address("people", database=bare), CONTRACT, key=KEY)
    store.add("Ada", photos(2, 1))
    assert store.search(photos(2, 1)[1].embedding[None], 1)[0][0].person == "Ada"
    store.close()


def test_pgvector_may_be_in_a_schema_of_its_own(postgres: Postgres, bare: str) -> None:
    with postgres.connect(bare) as database:
        database.execute('CREATE SCHEMA "exten sions"')
        database.execute('CREATE EXTENSION vector SCHEMA "exten sions"')
    store = open_store(postgres.address("people", database=bare), CONTRACT)
    store.add("Ada", photos(1, 1))
    assert store.search(photos(1, 1)[0].embedding[None], 1)[0][0].person == "Ada"
    store.replace_all(OTHER, {1: units(1, 2, OTHER.dimension)[0]})
    store.close()


def test_an_empty_schema_that_an_administrator_made_is_taken(postgres: Postgres, bare: str) -> None:
    """Its user may make tables there, and no schema anywhere."""
    with postgres.connect(bare) as database:
        database.execute("CREATE EXTENSION vector")
        database.execute("CREATE ROLE clerk LOGIN PASSWORD 'word'")
        database.execute("CREATE SCHEMA firstsight_people AUTHORIZATION clerk")
    try:
        store = open_store(postgres.address("people", database=bare, user="clerk", password=WORD), CONTRACT)
        store.add("Ada", photos(1, 1))
        assert store.erase("Ada").cleared
        store.close()
        with pytest.raises(GalleryUnavailable, match="permission denied") as caught:
            open_store(postgres.address("other", database=bare, user="clerk", password=WORD), CONTRACT)
        assert "CREATE on the database" in caught.value.hint
    finally:
        with postgres.connect(bare) as database:
            database.execute("DROP OWNED BY clerk")
            database.execute("DROP ROLE clerk")


def test_who_may_write_but_does_not_own_the_tables_is_not_told_that_they_are_cleared(
    postgres: Postgres, postgres_gallery: str
) -> None:
    open_store(postgres_gallery, CONTRACT).close()
    schema = f'"firstsight_{postgres_gallery.rpartition("=")[2]}"'
    with postgres.connect() as database:
        database.execute("CREATE ROLE guest LOGIN PASSWORD 'word'")
        database.execute(f"GRANT USAGE ON SCHEMA {schema} TO guest")
        database.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO guest")
        database.execute(f"REVOKE MAINTAIN ON ALL TABLES IN SCHEMA {schema} FROM guest")
    try:
        guest = open_store(
            postgres.address(postgres_gallery.rpartition("=")[2], user="guest", password=WORD), CONTRACT
        )
        guest.add("Ada", photos(1, 1))
        receipt = guest.erase("Ada")
        assert (receipt.templates, receipt.cleared) == (1, False)
        guest.close()
    finally:
        with postgres.connect() as database:
            database.execute("DROP OWNED BY guest")
            database.execute("DROP ROLE guest")


def test_another_kind_of_database_is_left_alone(postgres: Postgres, postgres_gallery: str) -> None:
    schema = f'"firstsight_{postgres_gallery.rpartition("=")[2]}"'
    with postgres.connect() as database:
        database.execute(f"CREATE SCHEMA {schema} CREATE TABLE gallery (picture text)")
    with pytest.raises(GalleryCorrupt):
        open_store(postgres_gallery, CONTRACT)
    with postgres.connect() as database:
        database.execute(f"DROP TABLE {schema}.gallery; CREATE TABLE {schema}.other (id int)")
    with pytest.raises(GalleryCorrupt, match="something else"):
        open_store(postgres_gallery, CONTRACT)


def test_a_gallery_of_a_later_version(postgres: Postgres, postgres_gallery: str) -> None:
    open_store(postgres_gallery, CONTRACT).close()
    with postgres.connect() as database:
        database.execute(
            f'UPDATE "firstsight_{postgres_gallery.rpartition("=")[2]}".gallery SET version = 99'
        )
    with pytest.raises(GalleryTooNew, match="99"):
        open_store(postgres_gallery, CONTRACT)


def test_a_database_of_another_encoding_is_refused(postgres: Postgres) -> None:
    with postgres.connect() as database:
        database.execute("CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0")
        with pytest.raises(GalleryUnavailable, match="LATIN1") as caught:
            open_store(postgres.address("people", database="old"), CONTRACT)
        assert "UTF8" in caught.value.hint
        database.execute("DROP DATABASE old")


def test_keys_and_contracts_are_those_of_the_gallery(postgres_gallery: str) -> None:
    store = open_store(postgres_gallery, CONTRACT, key=KEY)
    store.add("Ada", photos(1, 1))
    store.close()
    for key in (None, bytes(32)):
        with pytest.raises(GalleryLocked, match="postgresql://"):
            open_store(postgres_gallery, CONTRACT, key=key)
    with pytest.raises(ModelMismatch, match="postgresql://"):
        open_store(postgres_gallery, OTHER, key=KEY)
    store = open_store(postgres_gallery)
    assert names(store.people()) == ["Ada"]
    with pytest.raises(GalleryLocked):
        store.search(units(1, 1), 1)
    store.close()


def test_a_gallery_that_was_removed_while_it_is_open(postgres: Postgres, postgres_gallery: str) -> None:
    store = open_store(postgres_gallery, CONTRACT)
    with postgres.connect() as database:
        database.execute(f'DROP SCHEMA "firstsight_{postgres_gallery.rpartition("=")[2]}" CASCADE')
    for call in (store.people, lambda: store.add("Ada", photos(1, 1)), lambda: store.search(units(1, 1), 1)):
        with pytest.raises(GalleryUnavailable, match="no gallery"):
            call()
    store.close()
    again = open_store(postgres_gallery, CONTRACT)
    assert names(again.people()) == []
    again.close()


def test_of_a_sealed_gallery_only_what_was_added_is_read_again(
    postgres_gallery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = Vault.open_embeddings

    def counting(self: Vault, rows: list[tuple[int, int, bytes]], contract: Contract) -> NDArray[np.float32]:
        read.append(len(rows))
        return original(self, rows, contract)

    monkeypatch.setattr(Vault, "open_embeddings", counting)
    monkeypatch.setattr(live, "AT_A_TIME", 4)
    writer, reader = (open_store(postgres_gallery, CONTRACT, key=KEY) for _ in range(2))
    writer.add("Ada", photos(10, 1))
    probe = units(1, 1)
    for _ in range(3):
        reader.search(probe, 1)
    assert read == [4, 4, 2]
    writer.add("Bob", photos(2, 2))
    reader.search(probe, 1)
    writer.rename("Ada", "Carl")
    writer.erase("Bob")
    assert [match.person for match in reader.search(probe, 9)[0]] == ["Carl"]
    assert read == [4, 4, 2, 2]
    for store in (writer, reader):
        store.close()


def test_the_command_line_makes_one(
    postgres_gallery: str, people: dict[str, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it makes a file; who only looks is told that there is none."""
    monkeypatch.setenv("FIRSTSIGHT_GALLERY", postgres_gallery)
    photo = str(next(iter(people.values()))[0])
    run = CliRunner()
    looked = run.invoke(app, ["identify", photo])
    assert looked.exit_code == 2
    assert "There is no gallery" in looked.stderr
    assert run.invoke(app, ["enroll", photo, "--name", "Ada"]).exit_code == 0
    assert "Ada" in run.invoke(app, ["identify", photo]).stdout
