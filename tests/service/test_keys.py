from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gallery.gallery_makers import raw

from firstsight.errors import Unauthorized, UsageError
from firstsight.service import keys
from firstsight.service.keys import ROLES, Key
from firstsight.service.ledger import Ledger


def bearer(secret: str) -> str:
    return f"Bearer {secret}"


@pytest.mark.parametrize("role", ROLES)
def test_a_key_opens_as_who_it_was_made_for(ledger: Ledger, role: str) -> None:
    keys.create(ledger, "another", "admin")
    secret = keys.create(ledger, "desk", role)
    found = keys.check(ledger, bearer(secret))
    assert (found.name, found.role, found.revoked) == ("desk", role, None)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(found.created)) < timedelta(minutes=1)
    assert found == keys.everything(ledger)[1]


def test_each_role_may_what_those_below_it_may() -> None:
    allowed = {
        role: [wanted for wanted in ROLES if Key(1, "desk", role, "", None).may(wanted)] for role in ROLES
    }
    assert allowed == {
        "read": ["read"],
        "write": ["read", "write"],
        "admin": ["read", "write", "admin"],
    }


def test_secrets_are_long_and_never_the_same(ledger: Ledger) -> None:
    made = {keys.create(ledger, f"key {number}", "read") for number in range(20)}
    assert len(made) == 20
    assert all(secret.startswith("fs_") and len(secret) >= 46 for secret in made)


def test_secrets_are_never_in_the_files(ledger: Ledger, path: Path) -> None:
    """Neither in the file nor in its log, before it is closed or after, used or revoked."""
    secrets = [keys.create(ledger, name, "admin") for name in ("desk", "door")]
    for secret in secrets:
        keys.check(ledger, bearer(secret))
    keys.revoke(ledger, "door")
    while_open = raw(path)
    ledger.close()
    for held in (while_open, raw(path)):
        assert b"desk" in held
        for secret in secrets:
            assert secret.encode() not in held
            assert secret.removeprefix("fs_").encode() not in held


def test_a_revoked_key_opens_nothing(ledger: Ledger) -> None:
    revoked, other = keys.create(ledger, "desk", "admin"), keys.create(ledger, "door", "read")
    keys.revoke(ledger, "desk")
    with pytest.raises(Unauthorized):
        keys.check(ledger, bearer(revoked))
    assert keys.check(ledger, bearer(other)).name == "door"
    assert [(key.name, key.revoked is None) for key in keys.everything(ledger)] == [
        ("desk", False),
        ("door", True),
    ]


def test_the_name_of_a_revoked_key_is_free_again(ledger: Ledger) -> None:
    before = keys.create(ledger, "desk", "admin")
    keys.revoke(ledger, "desk")
    after = keys.create(ledger, "desk", "read")
    assert keys.check(ledger, bearer(after)).role == "read"
    with pytest.raises(Unauthorized):
        keys.check(ledger, bearer(before))
    keys.revoke(ledger, "desk")
    first, second = keys.everything(ledger)
    assert first.id != second.id
    assert first.revoked is not None
    assert second.revoked is not None


def test_keys_stay_when_the_service_starts_again(ledger: Ledger, path: Path) -> None:
    secret = keys.create(ledger, "desk", "write")
    gone = keys.create(ledger, "door", "write")
    keys.revoke(ledger, "door")
    ledger.close()
    again = Ledger(path)
    assert keys.check(again, bearer(secret)).name == "desk"
    with pytest.raises(Unauthorized):
        keys.check(again, bearer(gone))
    again.close()


def test_a_running_service_learns_of_keys_at_once(ledger: Ledger, path: Path) -> None:
    """The command line makes and revokes them in a process of its own."""
    elsewhere = Ledger(path)
    secret = keys.create(elsewhere, "desk", "read")
    assert keys.check(ledger, bearer(secret)).name == "desk"
    keys.revoke(elsewhere, "desk")
    with pytest.raises(Unauthorized):
        keys.check(ledger, bearer(secret))
    elsewhere.close()


def test_two_keys_in_use_cannot_have_one_name(ledger: Ledger) -> None:
    secret = keys.create(ledger, "desk", "read")
    with pytest.raises(UsageError, match="desk"):
        keys.create(ledger, "desk", "admin")
    assert len(keys.everything(ledger)) == 1
    assert keys.check(ledger, bearer(secret)).role == "read"


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "line\nbreak", "a\0b", "\u202eksed", "a\udce9"])
def test_names_that_cannot_be(ledger: Ledger, name: str) -> None:
    with pytest.raises(UsageError):
        keys.create(ledger, name, "read")
    assert keys.everything(ledger) == []


@pytest.mark.parametrize("role", ["", "root", "Admin", "read "])
def test_roles_that_are_none(ledger: Ledger, role: str) -> None:
    with pytest.raises(UsageError, match="read, write, admin"):
        keys.create(ledger, "desk", role)
    assert keys.everything(ledger) == []


@pytest.mark.parametrize("name", ["door", "DESK", ""])
def test_a_key_that_is_not_in_use_cannot_be_revoked(ledger: Ledger, name: str) -> None:
    secret = keys.create(ledger, "desk", "read")
    with pytest.raises(UsageError):
        keys.revoke(ledger, name)
    assert keys.check(ledger, bearer(secret)).name == "desk"
    keys.revoke(ledger, "desk")
    with pytest.raises(UsageError):
        keys.revoke(ledger, "desk")


@pytest.mark.parametrize("form", ["bearer {}", "BEARER {}", "Bearer  {}", "Bearer {} "])
def test_headers_that_are_taken(ledger: Ledger, form: str) -> None:
    secret = keys.create(ledger, "desk", "read")
    assert keys.check(ledger, form.format(secret)).name == "desk"


@pytest.mark.parametrize(
    "form",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer    ",
        "{}",
        " {}",
        "Bearer{}",
        "Bearer:{}",
        "Basic {}",
        " Bearer {}",
        "Bearer Bearer {}",
        "Bearer {},{}",
        "Bearer {} {}",
        'Bearer "{}"',
        "Bearer fs_{}",
        "Bearer {}x",
        "Bearer \xe9\xff",
        "Bearer %",
        "Bearer ' OR 1=1 --",
    ],
)
def test_headers_that_open_nothing(ledger: Ledger, form: str) -> None:
    secret = keys.create(ledger, "desk", "admin")
    with pytest.raises(Unauthorized):
        keys.check(ledger, form.replace("{}", secret))


def test_neither_part_of_a_secret_nor_its_hash_opens(ledger: Ledger) -> None:
    secret = keys.create(ledger, "desk", "admin")
    with ledger.transaction() as database:
        ((held,),) = database.execute("SELECT hash FROM key").fetchall()
    for wrong in (secret[:-1], secret[1:], secret.swapcase(), held, "x" * 10_000, secret + "x" * 1000):
        with pytest.raises(Unauthorized):
            keys.check(ledger, bearer(wrong))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.text(st.characters(max_codepoint=255)) | st.text().map("Bearer {}".format))
def test_no_text_opens_by_chance(ledger: Ledger, header: str) -> None:
    if not keys.everything(ledger):
        keys.create(ledger, "desk", "admin")
    with pytest.raises(Unauthorized):
        keys.check(ledger, header)
