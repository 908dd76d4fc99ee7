"""Addresses: what libpq is given, and what people see."""

from __future__ import annotations

import traceback

import pytest

from firstsight.errors import UsageError
from firstsight.gallery.postgres.address import OPTIONS, read_address

PLACE = "postgresql://db.example.org:5433/faces?gallery=staff"


def given(address: str) -> dict[str, str]:
    """What libpq is given beyond what it always is."""
    return {key: value for key, value in read_address(address).options.items() if OPTIONS.get(key) != value}


def test_all_parts() -> None:
    address = read_address(
        "postgresql://ada:s%40%2Fcret@db.example.org:5433/faces?gallery=staff&sslmode=require"
    )
    assert given("postgresql://ada:s%40%2Fcret@db.example.org:5433/faces?gallery=staff&sslmode=require") == {
        "user": "ada",
        "password": "s@/cret",
        "host": "db.example.org",
        "port": "5433",
        "dbname": "faces",
        "sslmode": "require",
    }
    assert (address.gallery, address.schema, address.place) == ("staff", "firstsight_staff", PLACE)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://", {}),
        ("postgresql:///faces", {"dbname": "faces"}),
        ("postgresql://[::1]:5433/faces", {"host": "::1", "port": "5433", "dbname": "faces"}),
        ("postgresql://one:1,two:2/faces", {"host": "one,two", "port": "1,2", "dbname": "faces"}),
        ("postgresql://%2Frun%2Fpg/faces", {"host": "/run/pg", "dbname": "faces"}),
        ("postgresql:///faces?host=/run/pg", {"host": "/run/pg", "dbname": "faces"}),
        # Which libpq itself would take for the host "word@db".
        (
            "postgresql://ada:pass@word@db/faces",
            {"user": "ada", "password": "pass@word", "host": "db", "dbname": "faces"},
        ),
    ],
)
def test_what_may_be_left_out_and_other_forms(address: str, expected: dict[str, str]) -> None:
    assert given(address) == expected
    assert read_address(address).schema == "firstsight_people"


def test_the_users_own_options_come_first() -> None:
    assert read_address("postgresql:///?connect_timeout=3").options["connect_timeout"] == "3"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ada:pass/xyzzy@db/faces",
        "postgresql://ada:pass?xyzzy@db/faces",
        "postgresql://ada:pass#xyzzy@db/faces?x=1#y",
        "postgresql://ada:pass:xyzzy/faces",
        "postgresql://db:xyzzy/faces",
        "postgresql://db/faces/xyzzy",
        "postgresql://db/faces?xyzzy",
        "postgresql://db/faces?gallery=xyzzy xyzzy",
        "postgresql://db/faces?gallery=",
        "postgresql://db/faces?gallery=" + "xyzzy" * 13,
        "postgresql://%FFxyzzy/faces",
    ],
)
def test_what_cannot_be_read_is_not_shown(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_address(address)
    assert "xyzzy" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.hint


def test_no_password_is_shown() -> None:
    address = read_address("postgresql://ada:sesame@db/faces?sslpassword=openit")
    assert "sesame" not in repr(address) + address.place
    assert address.concealed("it said sesame\n\topenit") == "it said *** ***"
