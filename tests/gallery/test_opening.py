from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import UsageError
from firstsight.gallery import Contract, open_store, opening
from firstsight.gallery.opening import back_up, placed, same_gallery, shown, told_apart

CONTRACT = Contract("none", "0" * 64, "1", 4)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home folder, and another in which they are."""
    here, home = tmp_path / "here", tmp_path / "home"
    here.mkdir()
    home.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


@pytest.mark.parametrize("kind", [str, Path])
def test_a_gallery_at_home(kind: type[str] | type[Path], home: Path) -> None:
    open_store(kind("~/people.db"), CONTRACT).close()
    assert (home / "people.db").is_file()
    assert not list(Path.cwd().iterdir())
    open_store(home / "people.db").close()


def test_what_only_looks_like_a_home() -> None:
    for name in ("~nobody-has-this-name.db", "a/~/people.db", "milvus://~/staff"):
        assert placed(name) == name


@pytest.mark.parametrize("kind", [str, Path])
def test_no_gallery_is_in_memory(kind: type[str] | type[Path], home: Path) -> None:
    with pytest.raises(UsageError, match="temporary folder"):
        open_store(kind(":memory:"), CONTRACT)
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("people.db", "people.db"),
        ("C:/odd@name?password=x", "C:/odd@name?password=x"),
        ("milvus://root:secret@host:19530/staff", "milvus://host:19530/staff"),
        ("milvus://host/staff?index=flat&ef=secret", "milvus://host/staff?index=flat"),
        (
            "postgresql://ada:se@cret@a:1,b:2/db?gallery=x&password=secret",
            "postgresql://a:1,b:2/db?gallery=x",
        ),
        ("postgresql:///db?sslpassword=secret", "postgresql:///db"),
    ],
)
def test_an_address_is_shown_without_its_secrets(location: str, said: str) -> None:
    assert shown(location) == said


def test_galleries_that_are_shown_alike_are_told_apart() -> None:
    alike = [
        "postgresql://host?gallery=x",
        "postgresql://ada@host?gallery=x",
        "postgresql://bob:secret@host?gallery=x",
        "postgresql://host?gallery=x&user=cyd",
        "postgresql://host?gallery=x&dbname=one",
        "postgresql://host?gallery=x&dbname=two",
        "postgresql://host?gallery=x&service=one",
        "postgresql://host?gallery=x&hostaddr=10.0.0.1",
        "postgresql://host?gallery=x&%64bname=three",
        "postgresql://host?gallery=x&%67allery=y",
    ]
    assert len({shown(each) for each in alike}) == 1
    apart = [told_apart(each) for each in alike]
    assert len(set(apart)) == len(alike)
    assert not any("secret" in each for each in apart)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # The database has a name: whoever connects finds the same gallery in it.
        ("postgresql://ada:secret@host/db", "postgresql://bob:other@host/db?password=third"),
        ("postgresql://ada:secret@host", "postgresql://ada:other@host?sslmode=require"),
        ("postgresql://ada:secret@host?dbname=db", "postgresql://bob@host?dbname=db"),
        ("postgresql://host/db", "postgresql://bob@host/db?user=ada"),
        ("postgresql://ada@host", "postgresql://host?user=ada"),
        # What goes without saying.
        ("postgresql://host/db", "postgresql://host/db?gallery=people"),
        ("postgresql://host/db", "postgresql://host:5432/db"),
        ("postgresql://[::1]/db", "postgresql://[::1]:5432/db"),
        ("postgresql://host/db?gallery=x", "postgresql://host/db?port=5432&%67allery=x"),
        ("milvus://host/staff", "milvus://host:19530/staff"),
        # Another way to say it.
        ("postgresql://host/db", "postgresql://HOST/d%62"),
        ("postgresql://host/db", "postgresql:///db?host=host"),
        ("postgresql:///db?host=/run", "postgresql://%2Frun/db?gallery=people"),
        ("milvus://host/staff", "milvus://Host:19530/staff?index=hnsw"),
        ("milvus://root:secret@host/staff", "milvus://host/staff?ef=512&tls=1"),
    ],
)
def test_one_gallery_stays_one_whoever_connects_and_however(one: str, other: str) -> None:
    assert told_apart(one) == told_apart(other)


@pytest.mark.parametrize(
    "location",
    [
        "postgresql://ada:se@cret@a:1,b:2/db?gallery=x&password=secret",
        "postgresql:///db?host=/run&sslmode=require",
        "postgresql://host/db?gallery=staff",
        "postgresql://ada@host:5433/db",
        "milvus://root:secret@host:19530/staff?ef=9",
    ],
)
def test_where_what_is_shown_suffices_the_keys_stay_where_they_were(location: str) -> None:
    assert told_apart(location) == shown(location)


@pytest.mark.parametrize("variable", ["PGPORT", "PGSERVICE"])
def test_a_port_that_is_said_elsewhere_is_no_default(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "5433")
    assert told_apart("postgresql://host/db") != told_apart("postgresql://host:5432/db")


@pytest.mark.parametrize(
    "other",
    [
        "postgresql://host:5433/db",
        "postgresql://host/db?gallery=People",
        "postgresql://host/DB",
        "postgresql://host:5432/db?service=x",
        "postgresql://host/%2Fdb",
        "postgresql://a,host/db",
        "postgresql://host&user=ada",
        "milvus://host/db",
        "db",
    ],
)
def test_another_gallery_stays_another(other: str) -> None:
    for one in (
        "postgresql://host/db",
        "postgresql://ada@host",
        "milvus://host:1/db",
        "milvus:///db/people.db",
    ):
        assert told_apart(one) != told_apart(other)
        assert not same_gallery(one, other)


def test_a_file_is_one_gallery_by_whatever_name(home: Path) -> None:
    deep = home / "deep"
    deep.mkdir()
    (home / "folder").symlink_to(deep)
    places: list[str | Path] = [
        deep / "p.db",
        home / "folder" / "p.db",
        "~/deep/p.db",
        "../home/deep/../deep/p.db",
    ]
    for _ in ("not there yet", "there"):
        assert all(same_gallery(places[0], place) for place in places)
        assert not same_gallery(places[0], deep / "q.db")
        (deep / "p.db").touch()
    (home / "hard.db").hardlink_to(deep / "p.db")
    assert same_gallery(home / "hard.db", deep / "p.db")
    assert same_gallery(f"milvus://{deep}/p.db", f"milvus://{home}/folder/p.db")


def test_a_gallery_is_backed_up_by_its_place(home: Path) -> None:
    store = open_store("~/people.db", CONTRACT)
    store.add("Ada", [])
    back_up("~/people.db", home / "copy.db")
    store.close()
    copy = open_store(home / "copy.db")
    assert [person.name for person in copy.people()] == ["Ada"]
    copy.close()


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("postgresql://ada:secret@host/db", "the server's own tools"),
        ("milvus://root:secret@host/staff", "the server's own tools"),
        ("redis://ada:secret@host/db", "No gallery of the kind 'redis'"),
    ],
)
def test_what_is_not_backed_up_here_is_refused(location: str, said: str, home: Path) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        back_up(location, home / "copy.db")
    assert "secret" not in f"{refused.value} {refused.value.hint}"
    assert list(home.iterdir()) == []


def test_what_goes_without_saying_is_what_the_engines_take() -> None:
    pytest.importorskip("psycopg")
    pytest.importorskip("pymilvus")
    from firstsight.gallery.milvus import address as milvus
    from firstsight.gallery.postgres import address as postgres

    assert (opening.PEOPLE, opening.MILVUS_PORT) == (postgres.DEFAULT, milvus.PORT)
