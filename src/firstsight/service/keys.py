"""API keys: made, shown once, kept as hashes, revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firstsight.errors import Unauthorized, UsageError
from firstsight.gallery.text import now
from firstsight.service.ledger import Ledger

ROLES: Final = ("read", "write", "admin")
"""Each may do what those before it may."""
PREFIX: Final = "fs_"
LONGEST: Final = 200
"""Characters of a key that are looked at."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without its secret."""

    id: int
    name: str
    role: str
    created: str
    revoked: str | None

    def may(self, role: str) -> bool:
        """Whether it has that role, or one above it."""
        return ROLES.index(self.role) >= ROLES.index(role)


def check_wanted(name: str, role: str) -> None:
    """Refuse a key that cannot be made in any ledger, before one is made for it.

    Raises:
        UsageError: an unknown role, or an empty or long name.
    """
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r}.", hint=f"Known: {', '.join(ROLES)}.")
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise UsageError("A key needs a short, printable name.", hint="Name what it is for.")


def create(ledger: Ledger, name: str, role: str, show: Callable[[str], None] = lambda _: None) -> str:
    """Make a key and give it back: nothing can show it again.

    Args:
        ledger: where its hash is kept.
        name: what it is for.
        role: what it may do.
        show: is told the key before it is kept. Should that fail, there is no key: one that nobody ever
            saw would hold its name, and keep the service from making another at its first start.

    Raises:
        UsageError: an unknown role, an empty or long name, or one that is in use.
    """
    check_wanted(name, role)
    secret = PREFIX + secrets.token_urlsafe(32)
    with ledger.transaction() as database:
        if database.execute("SELECT 1 FROM key WHERE name = ? AND revoked IS NULL", (name,)).fetchone():
            raise UsageError(f"A key called {name!r} is in use.", hint="Choose another name, or revoke it.")
        database.execute(
            "INSERT INTO key (name, role, hash, created) VALUES (?, ?, ?, ?)",
            (name, role, _hash(secret), now()),
        )
        show(secret)
    return secret


def everything(ledger: Ledger) -> list[Key]:
    """All keys, also those that were revoked."""
    with ledger.reading() as database:
        rows = database.execute("SELECT id, name, role, created, revoked FROM key ORDER BY id").fetchall()
    return [Key(*row) for row in rows]


def revoke(ledger: Ledger, name: str) -> None:
    """From now on the key of that name opens nothing.

    Raises:
        UsageError: no such key is in use.
    """
    with ledger.transaction() as database:
        changed = database.execute(
            "UPDATE key SET revoked = ? WHERE name = ? AND revoked IS NULL", (now(), name)
        )
        if not changed.rowcount:
            raise not_in_use(name)


def not_in_use(name: str) -> UsageError:
    """What is said of a key that cannot be revoked."""
    return UsageError(f"No key called {name!r} is in use.", hint="See: firstsight keys list")


def check(ledger: Ledger, header: str) -> Key:
    """Whose key an ``Authorization`` header carries.

    Raises:
        Unauthorized: none, or one that is not known or was revoked.
    """
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret or len(secret) > LONGEST:
        raise Unauthorized("A key is needed.", hint="Send the header: Authorization: Bearer KEY")
    wanted = _hash(secret.strip())
    with ledger.looking_up() as database:
        rows = database.execute(
            "SELECT hash, id, name, role, created, revoked FROM key WHERE revoked IS NULL"
        ).fetchall()
    # Every hash is compared, each in constant time, so that time tells nothing of them.
    found = [Key(*row[1:]) for row in rows if hmac.compare_digest(row[0], wanted)]
    if not found:
        raise Unauthorized("The key is not known.", hint="Make one: firstsight keys create NAME")
    return found[0]


def _hash(secret: str) -> str:
    # A key has 256 random bits: there is nothing that a slow hash would protect.
    return hashlib.sha256(secret.encode()).hexdigest()
