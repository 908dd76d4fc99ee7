"""Enrolment: one person from photos, many from a zip, and the sample people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from firstsight import fields
from firstsight.errors import (
    BodyMalformed,
    ChangeUncertain,
    FirstsightError,
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
from firstsight.service.days import coming_day
from firstsight.service.description import GALLERY, PHOTO, body, refusals
from firstsight.service.enrolling import Wanted, enrol, enrol_once
from firstsight.service.jobs import Enrolled, Job, Photo
from firstsight.service.keys import Key
from firstsight.service.routes.people import NOTED
from firstsight.service.state import Reader, Served, Service, Writer

router = APIRouter(prefix="/v1")
FIELDS: Final = ("name", "photo", "consent", "retain_until", "notes", "keep_crops", "force")
Flag = Annotated[bool, Query(description="Of a zip or a form; a form may have a field of the same name.")]
PAGE: Final = 1000
"""People who are asked for at once."""
TEXTS: Final[dict[str, dict[str, Any]]] = {
    "name": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "consent": {"type": "string", "maxLength": NOTED},
    "retain_until": {"type": "string", "format": "date", "description": "Today (UTC) or later."},
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
    | refusals(
        *PHOTO,
        NoFace,
        SeveralFaces,
        PoorQuality,
        InvalidName,
        NoSuchPerson,
        GalleryLocked,
        ChangeUncertain,
        *GALLERY,
    ),
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
    form = await read_form(request, service, service.settings.parts, *FIELDS)
    keep_crops, force = keep_crops or form.flag("keep_crops"), force or form.flag("force")
    name = checked_name(form.texts.get("name", ""))
    day, consent, notes = _day(form), _noted(form, "consent"), _noted(form, "notes")
    person = await enrol_once(
        service,
        key,
        idempotency_key,
        [f"{field}={text}".encode() for field, text in sorted(form.texts.items())],
        Wanted(
            name=name,
            photos=form.photos.get("photo", []),
            keep_crops=keep_crops,
            force=force,
            consent=consent,
            retain_until=day,
            notes=notes,
        ),
    )
    return fields.person(person)


@router.post("/samples", status_code=202, responses=STARTED | refusals(Overloaded))
async def samples(service: Served, key: Writer) -> JSONResponse:
    """The sample people that come with firstsight, with their pictures."""
    photos: list[Photo] = [
        (pictures[0].name, person, pictures[0].read_bytes) for person, pictures in people().items()
    ]
    return _accepted(_begin(service, key, photos, keep_crops=True, force=False))


@router.get("/jobs/{job_id}", responses=refusals(NoSuchJob, *GALLERY))
async def job(service: Served, _: Reader, job_id: str) -> dict[str, Any]:
    """How far an import has come; of people who are gone, names and photos are empty."""
    return await run_in_threadpool(_shown, service, service.jobs.get(job_id))


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
    async def one(photo: str, person: str, content: bytes) -> Enrolled:
        name = checked_name(person)
        # One photo of all imports at a time: the same one sent twice at once would be there twice.
        async with service.jobs.turn:
            # An import that was cut off can be sent again: what is there is passed over.
            if (there := await run_in_threadpool(_holder, service, name, photo)) is not None:
                return Enrolled(there, new=False)
            await service.engine.room()
            wanted = Wanted(name=name, photos=[Part(photo, content)], keep_crops=keep_crops, force=force)
            enrolled = await enrol(service, key, wanted, status=202)
        return Enrolled(enrolled.id, new=True)

    async def number(person: str) -> int | None:
        return await run_in_threadpool(_number, service, person)

    return service.jobs.start(photos, one, ended, number)


def _holder(service: Service, name: str, photo: str) -> int | None:
    """The number of who has that photo already."""
    store = service.recognizer.store
    try:
        person = store.person(name)
        return person.id if any(one.source == photo for one in store.templates(person.id)) else None
    except NoSuchPerson:
        return None


def _number(service: Service, name: str) -> int | None:
    try:
        return service.recognizer.store.person(checked_name(name)).id
    except FirstsightError:
        return None


def _shown(service: Service, job: Job) -> dict[str, Any]:
    """How far it has come, without the names of those who are not there any more."""
    store, numbers = service.recognizer.store, job.numbers()
    left, there = numbers, set[int]()
    while left:
        # People of one import mostly follow each other.
        found = [one.id for one in store.page(left[0] - 1, min(len(left), PAGE))]
        there.update(found)
        left = [one for one in left if found and one > found[-1]]
    return job.fields(set(numbers) - there)


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
        return coming_day(text) if text else None
    except ValueError as error:
        raise BodyMalformed(
            f"retain_until cannot be meant ({error}).", hint="Send today or a later day, or leave it out."
        ) from error
