"""Photos that people are known by: add, move, remove, and the crop that was kept."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from firstsight import fields
from firstsight.errors import (
    ChangeUncertain,
    GalleryLocked,
    ImageMissing,
    InvalidName,
    NoFace,
    NoSuchPerson,
    NoSuchTemplate,
    PoorQuality,
    SeveralFaces,
)
from firstsight.service import faults
from firstsight.service.bodies import read_photo
from firstsight.service.description import GALLERY, PHOTO, body, other_than_json, refusals
from firstsight.service.enrolling import Wanted, enrol_once
from firstsight.service.routes import people
from firstsight.service.routes.paging import Number
from firstsight.service.state import Served, Writer

router = APIRouter(prefix="/v1")
Flag = Annotated[bool, Query()]
log = logging.getLogger("firstsight.service")


class Move(BaseModel):
    """Whose photo it is in truth."""

    model_config = ConfigDict(extra="forbid")

    to: people.Text


@router.post(
    "/people/{person_id}/photos",
    status_code=201,
    openapi_extra=body("photo", bare=True),
    responses=refusals(
        NoSuchPerson, NoFace, SeveralFaces, PoorQuality, *PHOTO, GalleryLocked, ChangeUncertain, *GALLERY
    ),
)
async def add(
    service: Served,
    key: Writer,
    request: Request,
    person_id: Number,
    keep_crops: Flag = False,
    keep_crop: Annotated[bool, Query(deprecated=True, description="The same, as it was called.")] = False,
    force: Flag = False,
    idempotency_key: Annotated[str, Header()] = "",
) -> dict[str, Any]:
    """Another photo of a person; `photos` is null when it was added and the others could not be read."""
    store = service.recognizer.store
    person = await run_in_threadpool(store.person, person_id)
    photo = await read_photo(request, service)
    added = await enrol_once(
        service,
        key,
        idempotency_key,
        [b"a photo to a person", str(person_id).encode()],
        Wanted(
            name=person.name,
            photos=[photo],
            keep_crops=keep_crops or keep_crop,
            force=force,
            person_id=person_id,
        ),
    )
    try:
        return await run_in_threadpool(people.show, service, key, person_id)
    except Exception as error:
        # The photo is there: told of a failure, who asked would add it again.
        log.error("the photos of a person could not be read\n%s", faults.told(error))
        return {"person": fields.person(added), "photos": None}


@router.post(
    "/photos/{photo_id}/move",
    responses=refusals(NoSuchTemplate, InvalidName, GalleryLocked, ChangeUncertain, *GALLERY),
)
def move(service: Served, key: Writer, photo_id: Number, wanted: Move) -> dict[str, Any]:
    """A photo to another person, who is added when new; who is left without any is removed."""
    with service.change(key, "move") as noted:
        moved = service.recognizer.store.move_template(photo_id, wanted.to)
        noted("moved", moved.person.id)
        if moved.source_id != moved.person.id:
            noted("erased" if moved.source_removed else "moved away", moved.source_id)
    return {
        "person": fields.person(moved.person),
        "source": moved.source,
        "source_removed": moved.source_removed,
    }


@router.delete("/photos/{photo_id}", responses=refusals(NoSuchTemplate, ChangeUncertain, *GALLERY))
def remove(service: Served, key: Writer, photo_id: Number) -> dict[str, Any]:
    """Remove a photo; the person stays."""
    with service.change(key, "remove") as noted:
        receipt = service.recognizer.store.remove_template(photo_id)
        noted("removed", receipt.person_id)
    return fields.receipt(receipt)


@router.get(
    "/photos/{photo_id}/crop",
    response_class=Response,
    responses=refusals(NoSuchTemplate, NoSuchPerson, ImageMissing, GalleryLocked, *GALLERY)
    | other_than_json("image/png"),
)
def crop(service: Served, key: Writer, photo_id: Number) -> Response:
    """The picture of the face, where it was kept."""
    store = service.recognizer.store
    kept = store.crop(photo_id)
    if kept.crop is None:
        raise ImageMissing("No picture of this face was kept.", hint="Enrol with keep_crops=true.")
    # Before it is given out: what cannot be noted is not shown.
    service.note(key, "crop", "shown", person_id=store.person(kept.person).id)
    return Response(kept.crop, media_type="image/png")
