from __future__ import annotations

import pytest

from firstsight.gallery.opening import shown


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
