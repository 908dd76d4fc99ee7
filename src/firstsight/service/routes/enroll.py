"""Enrolment: one person from photos, many from a zip, and the sample people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from firstsight import fields
from firstsight.errors import (
    BodyMalformed,
    GalleryLocked,
    InvalidName,
    NoFace,
    NoSuchJob,
    NoSuchPerson,
    Overloaded,
    PoorQuality,
    SeveralFaces,
)
from firstsight.gallery.names import LONGEST, checked_name
from firstsight.samples import people
from firstsight.service.archives import photos_of
from firstsight.service.bodies import ZIP, Form, Part, announced, kind, read_bytes, read_form
from firstsight.service.days import read_day
from firstsight.service.description import GALLERY, PHOTO, body, refusals
from firstsight.service.enrolling import Once, enrol
from firstsight.service.jobs import Job, Photo
from firstsight.service.keys import Key
from firstsight.service.routes.people import NOTED
from firstsight.service.state import Reader, Served, Service, Writer

router = APIRouter(prefix="/v1")
Flag = Annotated[bool, Query(description="Of a zip; a form has fields of the same name.")]
TEXTS: Final[dict[str, dict[str, Any]]] = {
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "consent": {"type": "string", "maxLength": NOTED},
    "retain_until": {"type": "string", "format": "date"},
    "notes": {"type": "string", "maxLength": NOTED},
    "keep_crops": {"type": "boolean"},
    "force": {"type": "boolean"},
}
STARTED: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "model": dict[str, Any],
        "description": "An import began; its address is in Location.",
        "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
    }
}


@router.post(
    "/enroll",
    status_code=201,
    openapi_extra=body("photo", packed=True, several=True, texts=TEXTS, needed=["name"]),
    responses=STARTED
    | refusals(*PHOTO, NoFace, SeveralFaces, PoorQuality, InvalidName, NoSuchPerson, GalleryLocked, *GALLERY),
)
async def enroll(
    service: Served,
    key: Writer,
    request: Request,
    keep_crops: Flag = False,
    force: Flag = False,
    idempotency_key: Annotated[str, Header()] = "",
) -> Any:
    """A person from a form with `name` and one or more `photo`, or many from a zip of folders (202)."""
    if kind(request.headers) in ZIP:
        return _accepted(await _import(service, key, request, keep_crops=keep_crops, force=force))
    form = await read_form(request, service, service.settings.parts)
    name = checked_name(form.texts.get("name", ""))
    photos_sent = form.photos.get("photo", [])
    sent = [f"{field}={text}".encode() for field, text in sorted(form.texts.items())]
    once = Once(service, key, idempotency_key, [*sent, *(part.content for part in photos_sent)])
    day, consent, notes = _day(form), _noted(form, "consent"), _noted(form, "notes")
    if person := await run_in_threadpool(once.begin):
        return fields.person(person)
    try:
        person = await enrol(
            service,
            key,
            name,
            photos_sent,
            keep_crops=form.flag("keep_crops"),
            force=form.flag("force"),
            consent=consent,
            retain_until=day,
            notes=notes,
            once=once,
        )
    except BaseException:
        # Even when who asked has gone: the next try must not wait for this one.
        await asyncio.shield(run_in_threadpool(once.done, None))
        raise
    return fields.person(person)


@router.post("/samples", status_code=202, responses=STARTED | refusals(Overloaded))
async def samples(service: Served, key: Writer) -> JSONResponse:
    """The sample people that come with firstsight, with their pictures."""
    photos: list[Photo] = [
        (pictures[0].name, person, pictures[0].read_bytes) for person, pictures in people().items()
    ]
    return _accepted(_begin(service, key, photos, keep_crops=True, force=False))


@router.get("/jobs/{job_id}", responses=refusals(NoSuchJob))
async def job(service: Served, _: Reader, job_id: str) -> dict[str, Any]:
    """How far an import has come."""
    return service.jobs.get(job_id).fields()


async def _import(service: Service, key: Key, request: Request, *, keep_crops: bool, force: bool) -> Job:
    """A zip, which is held in memory until its last photo is enrolled."""
    settings = service.settings
    count = announced(request.headers, settings.archive_bytes)
    share = service.imports.take(count)
    try:
        content = await read_bytes(request, settings.archive_bytes, settings.patience(count))
        share.keep(len(content))
        photos = await run_in_threadpool(photos_of, content, settings)
        return _begin(service, key, photos, keep_crops=keep_crops, force=force, ended=share.release)
    except BaseException:
        share.release()
        raise


def _begin(
    service: Service,
    key: Key,
    photos: list[Photo],
    *,
    keep_crops: bool,
    force: bool,
    ended: Callable[[], None] = lambda: None,
) -> Job:
    async def one(photo: str, person: str, content: bytes) -> bool:
        name = checked_name(person)
        # An import that was cut off can be sent again: what is there is passed over.
        if await run_in_threadpool(partial(_has, service, name, photo)):
            return False
        await service.engine.room()
        await enrol(
            service, key, name, [Part(photo, content)], keep_crops=keep_crops, force=force, status=202
        )
        return True

    return service.jobs.start(photos, one, ended)


def _has(service: Service, name: str, photo: str) -> bool:
    store = service.recognizer.store
    return store.known(name) and any(one.source == photo for one in store.templates(name))


def _accepted(started: Job) -> JSONResponse:
    return JSONResponse(started.fields(), 202, {"Location": f"/v1/jobs/{started.id}"})


def _noted(form: Form, field: str) -> str | None:
    """A text that is kept with a person; None where none was sent."""
    text = form.texts.get(field)
    if text is not None and len(text) > NOTED:
        raise BodyMalformed(
            f"{field} has {len(text):,} characters; at most {NOTED:,} are kept.", hint="Shorten it."
        )
    return text


def _day(form: Form) -> date | None:
    text = form.texts.get("retain_until", "")
    try:
        return read_day(text) if text else None
    except ValueError as error:
        raise BodyMalformed(f"retain_until is no day ({error}).", hint="Mend it, or leave it out.") from error
