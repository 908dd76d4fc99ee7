from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import UsageError
from firstsight.gallery import Contract, open_store
from firstsight.gallery.opening import placed, shown, told_apart

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
        "milvus://root:secret@host:19530/staff?index=flat&ef=9",
    ],
)
def test_where_what_is_shown_suffices_the_keys_stay_where_they_were(location: str) -> None:
    assert told_apart(location) == shown(location)
