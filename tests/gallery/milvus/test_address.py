from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import UsageError
from firstsight.gallery.milvus.address import PORT, read_address


def test_a_server_a_gallery_and_options() -> None:
    read = read_address("milvus://vectors.example:1234/staff?index=hnsw&ef=200&tls=1")
    assert (read.uri, read.name, read.index, read.ef) == (
        "https://vectors.example:1234",
        "staff",
        "hnsw",
        200,
    )
    assert read.shown == "milvus://vectors.example:1234/staff"
    plain = read_address("milvus://localhost/staff")
    assert (plain.uri, plain.token, plain.index) == (f"http://localhost:{PORT}", "", None)
    assert read_address("milvus://[::1]:5/staff").uri == "http://[::1]:5"


def test_a_file_of_milvus_lite(tmp_path: Path) -> None:
    read = read_address(f"milvus://{tmp_path}/my%20people.db")
    assert read.path == tmp_path / "my people.db"
    assert read.uri == str(read.path)


def test_user_and_password_are_used_and_never_shown() -> None:
    read = read_address("milvus://ada:s%40same@localhost/staff")
    assert read.token == "ada:s@same"  # noqa: S105 - made up
    assert "s@same" not in repr(read)
    assert "ada" not in read.shown


@pytest.mark.parametrize(
    "address",
    [
        "milvus://ada:sesame@localhost:19530",
        "milvus://ada:sesame@localhost/",
        "milvus://ada:sesame@localhost/my people",
        "milvus://ada:sesame@localhost/1st",
        "milvus://ada:sesame@localhost:port/people",
        "milvus://ada:sesame@localhost/people?index=ivf",
        "milvus://ada:sesame@localhost/people?ef=0",
        "milvus://ada:sesame@localhost/people?password=sesame",
        "milvus://ada:sesame@localhost/people?index",
        "milvus:///relative",
        "milvus:///path/without/ending",
    ],
)
def test_what_cannot_be_meant_is_refused_without_its_secret(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_address(address)
    assert caught.value.hint
    assert "sesame" not in str(caught.value)
