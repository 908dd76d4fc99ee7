"""What stands in an address behind the question mark: what a route does not take is refused."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.routing import APIRoute

from firstsight.errors import BodyMalformed

TOLD: Final = 3
"""Names in one message."""
LONGEST: Final = 40
"""Characters of each."""


def refuse_unknown(request: Request) -> None:
    """See that the address names nothing else than its route takes.

    Passed over, consent that was sent there would be lost, and a rate with a slip in its name be another.

    Raises:
        BodyMalformed: it does.
    """
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = [one.alias for one in route.dependant.query_params]
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        named = ", ".join(f"{name[:LONGEST]!r}" for name in unknown[:TOLD])
        taken = f"takes {', '.join(known)}" if known else "takes nothing behind a question mark"
        raise BodyMalformed(
            f"This address does not take {named}.",
            hint=f"It {taken}. Fields of a form, or of JSON, stand in the body.",
        )
