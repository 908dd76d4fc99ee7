"""Enrolment: one person from photos, many from a zip, and the sample people."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from firstsight import fields
from firstsight.errors import BodyMalformed
from firstsight.gallery.names import checked_name
from firstsight.samples import people
from firstsight.service.archives import photos_of
from firstsight.service.bodies import ZIP, Form, Part, described, kind, read_bytes, read_form
from firstsight.service.enrolling import Once, enrol
from firstsight.service.jobs import Job, Photo
from firstsight.service.keys import Key
from firstsight.service.state import Reader, Served, Service, Writer

router = APIRouter(prefix="/v1")
Flag = Annotated[bool, Query(description="Of a zip; a form has fields of the same name.")]
TEXTS = ("name", "consent", "retain_until", "notes", "keep_crops", "force")


@router.post("/enroll", status_code=201, openapi_extra=described(False, "photo", texts=TEXTS))
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
        content = await read_bytes(request, service.settings.archive_bytes, service.settings.deadline)
        photos = await run_in_threadpool(photos_of, content, service.settings)
        return _accepted(_begin(service, key, photos, keep_crops=keep_crops, force=force))
    form = await read_form(request, service.settings, service.settings.parts)
    name = checked_name(form.texts.get("name", ""))
    photos_sent = form.photos.get("photo", [])
    sent = [f"{field}={text}".encode() for field, text in sorted(form.texts.items())]
    once = Once(service, key, idempotency_key, [*sent, *(part.content for part in photos_sent)])
    day = _day(form)
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
            consent=form.texts.get("consent"),
            retain_until=day,
            notes=form.texts.get("notes"),
        )
    finally:
        # Even when who asked has gone: the next try must not wait for this one.
        once.done(person)
    return fields.person(person)


@router.post("/samples")
async def samples(service: Served, key: Writer) -> JSONResponse:
    """The sample people that come with firstsight, with their pictures."""
    photos: list[Photo] = [
        (pictures[0].name, person, pictures[0].read_bytes) for person, pictures in people().items()
    ]
    return _accepted(_begin(service, key, photos, keep_crops=True, force=False))


@router.get("/jobs/{job_id}")
async def job(service: Served, _: Reader, job_id: str) -> dict[str, Any]:
    """How far an import has come."""
    return service.jobs.get(job_id).fields()


def _begin(service: Service, key: Key, photos: list[Photo], *, keep_crops: bool, force: bool) -> Job:
    async def one(photo: str, person: str, content: bytes) -> bool:
        name = checked_name(person)
        # An import that was cut off can be sent again: what is there is passed over.
        if await run_in_threadpool(partial(_has, service, name, photo)):
            return False
        await service.engine.room()
        await enrol(service, key, name, [Part(photo, content)], keep_crops=keep_crops, force=force)
        return True

    return service.jobs.start(photos, one)


def _has(service: Service, name: str, photo: str) -> bool:
    store = service.recognizer.store
    return store.known(name) and any(one.source == photo for one in store.templates(name))


def _accepted(started: Job) -> JSONResponse:
    return JSONResponse(started.fields(), 202, {"Location": f"/v1/jobs/{started.id}"})


def _day(form: Form) -> date | None:
    text = form.texts.get("retain_until", "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BodyMalformed(f"{text!r} is no day.", hint="Write it as 2027-12-31.") from error
