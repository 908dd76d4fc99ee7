"""What PostgreSQL's errors mean for the user of a gallery."""

from __future__ import annotations

from typing import Final

import psycopg

from firstsight.errors import (
    ChangeUncertain,
    FirstsightError,
    GalleryBusy,
    GalleryCorrupt,
    GalleryUnavailable,
    UsageError,
)
from firstsight.gallery.postgres.address import Address

PATIENCE: Final = 10
"""Seconds to wait for others who hold the gallery, or a connection to it."""
AGAIN: Final = ("40001", "40P01")
"""A transaction that met another, and was undone: serialization failure, deadlock."""
ENDED: Final = ("57P01", "57P02", "57P03", "57P05", "25P03")
"""The server ended the connection: shutdown, crash, start, idle for too long."""


def lost(error: psycopg.Error, session: psycopg.Connection[object] | None) -> bool:
    """Whether the error came with the loss of the connection."""
    return error.sqlstate in ENDED or (session is not None and (session.closed or session.broken))


def unreachable(error: psycopg.Error, address: Address) -> FirstsightError:
    """Why no connection came about. The server's reason has no code then, only its text."""
    reason = address.concealed(str(error)).rstrip(".")
    if isinstance(error, psycopg.ProgrammingError):
        return UsageError(f"{address.place} cannot be opened: {reason}.", hint="Check the address.")
    if "authentication failed" in reason or "no password supplied" in reason or "role " in reason:
        hint = "Check the user and the password in the address, or in libpq's PGUSER and PGPASSWORD."
    elif "database " in reason and "does not exist" in reason:
        hint = "Make it with: createdb NAME"
    elif "too many" in reason or "slots are reserved" in reason:
        hint = "Close other clients, or raise the server's max_connections."
    else:
        hint = "Check the address, and that the server runs and lets you in."
    return GalleryUnavailable(f"{address.place} cannot be reached ({reason}).", hint=hint)


def unknown_end(address: Address) -> ChangeUncertain:
    """The error of a change whose end nobody heard of."""
    return ChangeUncertain(f"{address.place} was lost while a change was being kept.")


def translated(error: psycopg.Error, address: Address) -> FirstsightError:
    """What an error of an open connection means."""
    place, code = address.place, error.sqlstate or ""
    reason = address.concealed(str(error)).rstrip(".")
    if code == "55P03" or code in AGAIN or code == "57014":
        return GalleryBusy(
            f"Others held {place} for over {PATIENCE} seconds ({reason}).",
            hint="Try again when they have finished.",
        )
    if code in ("XX001", "XX002"):
        return GalleryCorrupt(f"{place} is damaged ({reason}).", hint="Restore the database from a backup.")
    if code in ("42P01", "3F000"):
        return GalleryUnavailable(
            f"There is no gallery at {place} ({reason}).",
            hint="Enrol somebody first: firstsight enroll PHOTO --name NAME",
        )
    if code == "42703":
        return GalleryCorrupt(
            f"{place} holds other tables than a gallery ({reason}).", hint="Name another gallery."
        )
    if code == "42501":
        return GalleryUnavailable(
            f"{place} may not be used so ({reason}).",
            hint="Its tables belong to who made it; to make one, a user needs CREATE on the database.",
        )
    if code == "25006":
        return GalleryUnavailable(
            f"{place} is on a server that takes no changes ({reason}).",
            hint="Name the primary server, or add target_session_attrs=read-write to the address.",
        )
    if code == "53100":
        return GalleryUnavailable(
            f"The disk of {place} is full; nothing was changed.", hint="Make room and try again."
        )
    return GalleryUnavailable(f"{place} cannot be used ({reason}).", hint="Check the server and its log.")
