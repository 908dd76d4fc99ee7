"""A service that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import httpx

from firstsight.client import Client

ADDRESS = "https://faces.example:8443"
KEY = "fs_admin-0123456789abcdef"

ADA: dict[str, Any] = {
    "id": 3,
    "name": "Ada",
    "created": "2026-11-25T10:00:00+00:00",
    "templates": 2,
    "consent": "signed",
    "retain_until": "2027-01-01",
    "notes": "",
}
RECEIPT: dict[str, Any] = {
    "person": "Ada",
    "person_id": 3,
    "templates": 2,
    "crops": 1,
    "erased": "2026-11-25T11:00:00+00:00",
    "cleared": True,
}
VERIFICATION: dict[str, Any] = {
    "same": True,
    "similarity": 0.71,
    "threshold": 0.36,
    "fmr": 0.001,
    "likelihood_ratio": 1234.5,
}
CANDIDATE: dict[str, Any] = {
    "person": "Ada",
    "person_id": 3,
    "similarity": 0.71,
    "likelihood_ratio": 1234.5,
}
SIGHTING: dict[str, Any] = {
    "box": {"left": 10.5, "top": 20.25, "width": 100.0, "height": 120.0},
    "person": "Ada",
    "person_id": 3,
    "similarity": 0.71,
    "threshold": 0.36,
    "margin": 0.61,
    "best": CANDIDATE,
    "runner_up": {"person": "Grace", "person_id": 4, "similarity": 0.1, "likelihood_ratio": 0.01},
    "quality": {"score": 0.9, "reasons": []},
}


def faces(*sightings: dict[str, Any]) -> dict[str, Any]:
    """The answer to ``identify``."""
    return {"fpir": 0.01, "templates": 5, "width": 640, "height": 480, "faces": list(sightings)}


def envelope(code: object, message: object = "It broke.", hint: object = "Mend it.") -> dict[str, Any]:
    """An error, as the service tells it."""
    return {"error": {"code": code, "message": message, "hint": hint, "request_id": "r-17"}}


@dataclass(frozen=True)
class Part:
    """One part of a form."""

    field: str
    name: str | None
    kind: str | None
    content: bytes


@dataclass(frozen=True)
class Asked:
    """One request, taken apart."""

    request: httpx.Request
    content: bytes

    @property
    def line(self) -> str:
        return f"{self.request.method} {self.request.url.path}"

    @property
    def params(self) -> dict[str, str]:
        return dict(self.request.url.params)

    @property
    def parts(self) -> list[Part]:
        head = f"Content-Type: {self.request.headers['Content-Type']}\r\n\r\n".encode()
        form = message_from_bytes(head + self.content)
        assert form.is_multipart()
        found = []
        for part in form.get_payload():
            assert not isinstance(part, str)
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            called = part.get_filename()
            kind = part.get_content_type() if "Content-Type" in part else None
            field = str(part.get_param("name", header="Content-Disposition"))
            found.append(Part(field, called, kind, content))
        return found

    @property
    def fields(self) -> dict[str, str]:
        return {part.field: part.content.decode() for part in self.parts if part.name is None}

    @property
    def photos(self) -> list[Part]:
        return [part for part in self.parts if part.name is not None]


Answer = httpx.Response | Exception


@dataclass
class Double:
    """Gives its answers one after another, the last of them for ever."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(Asked(request, request.read()))
        given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(given, Exception):
            raise given
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    def client(self, url: str = ADDRESS, key: str = KEY) -> Client:
        return Client(url, key, transport=httpx.MockTransport(self.answer), sleep=self.slept.append)


def says(values: object, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An answer."""
    return httpx.Response(status, json=values, headers=headers)


def busy(wait: str | None = None, status: int = 503) -> httpx.Response:
    """The answer of a service that has no time."""
    code = "overloaded" if status == 503 else "rate_limited"
    return says(envelope(code), status, {} if wait is None else {"Retry-After": wait})


VERBS: dict[str, Callable[[Client], object]] = {
    "enroll": lambda client: client.enroll("Ada", b"photo"),
    "identify": lambda client: client.identify(b"photo"),
    "verify": lambda client: client.verify(b"left", b"right"),
    "erase": lambda client: client.erase("Ada"),
    "people": lambda client: client.people(),
}
