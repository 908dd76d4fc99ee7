"""What a request carries: photos and fields, read into memory within limits, never onto the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope

from firstsight.errors import BodyMalformed, BodyTooLarge
from firstsight.service.forms import pieces, text_of
from firstsight.service.state import Service

FORM: Final = "multipart/form-data"
ZIP: Final = ("application/zip", "application/x-zip-compressed")
FIELD_BYTES: Final = 64 * 1024
"""Of a text field, and of the fields' frame beside the photos."""
FIELDS: Final = 20
SHORT: Final = 1 << 20
"""Bytes of a body that the framework reads."""
DIGITS: Final = 18
"""Of the length that a body says it has."""
YES: Final = ("true", "1", "yes", "on")
NO: Final = ("false", "0", "no", "off", "")


@dataclass(frozen=True, slots=True)
class Part:
    """A photo that was sent."""

    name: str
    """Of the file, as it was sent; empty for a bare photo."""
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """Photos by field, and text by field."""

    photos: Mapping[str, list[Part]]
    texts: Mapping[str, str]

    def one(self, field: str) -> Part:
        """The only photo of a field.

        Raises:
            BodyMalformed: there is none, or more than one.
        """
        found = self.photos.get(field, [])
        if len(found) != 1:
            raise BodyMalformed(
                f"{len(found)} photos were sent as {field!r}; one is needed.",
                hint=f"Send multipart/form-data with one file as {field!r}.",
            )
        return found[0]

    def flag(self, field: str) -> bool:
        """Whether a field says yes.

        Raises:
            BodyMalformed: it says neither yes nor no.
        """
        said = self.texts.get(field, "").lower()
        if said not in YES + NO:
            raise BodyMalformed(f"The field {field!r} is neither yes nor no.", hint="Send true or false.")
        return said in YES


def read_in_pieces(kind: str) -> bool:
    """Whether bodies of a media type are read here, within limits; the framework reads others whole."""
    return kind.startswith("image/") or kind in (FORM, *ZIP)


def holds_photos(kind: str) -> bool:
    """Whether a body of a media type is photos that are answered by what they show."""
    return kind.startswith("image/") or kind == FORM


async def read_photo(request: Request, service: Service) -> Part:
    """One photo: bare, as the type of an image, or as the field ``photo``.

    Raises as ``read_form``.
    """
    if kind(request.headers).startswith("image/"):
        return Part("", await _read(request, service, service.settings.photo.bytes))
    return (await read_form(request, service, 1, "photo")).one("photo")


async def read_form(request: Request, service: Service, parts: int, *fields: str) -> Form:
    """Multipart fields of those names, with so many photos at most.

    Raises:
        BodyTooLarge: more bytes than allowed.
        BodyMalformed: it is no such form, or has too many fields, or others, or text that is no UTF-8.
        Overloaded: others hold too much in memory.
    """
    settings = service.settings
    if kind(request.headers) != FORM:
        raise BodyMalformed(
            f"The type {kind(request.headers) or 'of the body'} is not taken here.",
            hint="Send multipart/form-data, or a bare photo as image/jpeg and the like.",
        )
    largest = min(parts * settings.photo.bytes, settings.form_bytes) + FIELD_BYTES
    content = await _read(request, service, largest)
    photos: dict[str, list[Part]] = {}
    texts: dict[str, str] = {}
    said = request.headers["content-type"]
    limits = {"files": parts, "fields": FIELDS, "field_bytes": FIELD_BYTES}
    # In a thread: a form that is made to be slow takes seconds.
    for piece in await run_in_threadpool(pieces, said, content, **limits):
        if piece.name not in fields:
            # Passed over, a rate that was asked for would be another one, and consent would not be noted.
            raise BodyMalformed(
                f"A form has no field {piece.name!r} here.",
                hint=f"It has {', '.join(fields)}. Rates and limits stand in the address: ?name=value.",
            )
        if piece.file is None:
            texts[piece.name] = text_of(piece.content)
        elif len(piece.content) > settings.photo.bytes:
            raise _too_large(settings.photo.bytes)
        else:
            photos.setdefault(piece.name, []).append(Part(piece.file, bytes(piece.content)))
    return Form(photos, texts)


async def read_bytes(request: Request, largest: int, patience: float) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: it says, or turns out, to be larger than allowed.
        BodyMalformed: it comes too slowly, or breaks off.
    """
    announced(request.headers, largest)
    # This limit holds in the place of the one for bodies that the framework reads.
    request.state.read_in_pieces = True
    held = bytearray()
    try:
        async with asyncio.timeout(patience):
            async for chunk in request.stream():
                held += chunk
                if len(held) > largest:
                    raise _too_large(largest)
    except ClientDisconnect as error:
        raise BodyMalformed("The body broke off.", hint="Send it again.") from error
    except TimeoutError as error:
        raise _too_slow(patience) from error
    return bytes(held)


def announced(headers: Headers, largest: int) -> int:
    """How many bytes a body may come to: what it says, or the most that is allowed.

    Raises:
        BodyTooLarge: it says that it is larger than allowed.
    """
    said = headers.get("content-length", "")
    if not (said.isascii() and said.isdigit()):
        return largest
    if len(said) > DIGITS or int(said) > largest:
        raise _too_large(largest)
    return int(said)


def shortened(scope: Scope, receive: Receive, patience: float) -> Receive:
    """Bodies that no route reads in pieces end at ``SHORT`` bytes, whatever their headers say.

    The framework reads them whole, before it is known who asks, and would wait for them for ever: so all of
    such a body has to come within ``patience`` seconds.
    """
    count, whole = 0, False
    until = asyncio.get_running_loop().time() + patience

    async def receiving() -> Message:
        nonlocal count, whole
        # After the body there is only the end of the connection, which may take as long as the answer.
        free = whole or scope["state"].get("read_in_pieces")
        try:
            async with asyncio.timeout_at(None if free else until):
                message = await receive()
        except TimeoutError as error:
            raise _too_slow(patience) from error
        count += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if count > SHORT and not scope["state"].get("read_in_pieces"):
            raise BodyTooLarge(f"A body may have {SHORT:,} bytes here.", hint="Send less.")
        return message

    return receiving


async def _read(request: Request, service: Service, largest: int) -> bytes:
    """A body of photos, out of what all requests may hold together until they are answered."""
    share = service.uploads.take(announced(request.headers, largest))
    request.state.share = share
    content = await read_bytes(request, largest, service.settings.deadline)
    share.keep(len(content))
    return content


def kind(headers: Headers) -> str:
    """The media type of the body, without parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _too_slow(patience: float) -> BodyMalformed:
    return BodyMalformed(
        f"The body did not arrive within {patience:g} s.", hint="Send it faster, or less of it."
    )


def _too_large(largest: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {largest / 2**20:.0f} MiB.", hint="Send less, or a smaller photo."
    )
