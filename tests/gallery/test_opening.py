from __future__ import annotations

import pytest

from firstsight.gallery.opening import shown, told_apart


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
