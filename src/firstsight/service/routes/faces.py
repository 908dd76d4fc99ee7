"""Who is in a photo, whether two show the same person, and where the faces are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from firstsight import fields
from firstsight.errors import GalleryLocked, NoFace, NotCalibrated, SeveralFaces
from firstsight.faces.quality import assess
from firstsight.recognizer import FMR, FPIR, EncodedFace, Sighting, comparing
from firstsight.recognizer.encoder import JudgedFace
from firstsight.service.bodies import read_form, read_photo
from firstsight.service.description import GALLERY, PHOTO, body, refusals
from firstsight.service.keys import Key
from firstsight.service.state import Reader, Served, Service

router = APIRouter(prefix="/v1")


def Rate(about: str) -> Any:  # noqa: N802 - as pydantic's own
    """A rate in the address. What it may be the calibration says, in the words of the library."""
    return Query(description=about, json_schema_extra={"minimum": 0, "maximum": 1})


@router.post(
    "/identify",
    openapi_extra=body("photo", bare=True),
    responses=refusals(*PHOTO, NotCalibrated, GalleryLocked, *GALLERY),
)
async def identify(
    service: Served,
    key: Reader,
    request: Request,
    fpir: Annotated[float, Rate("Share of strangers who may be named.")] = FPIR,
    limit: Annotated[int, Query(ge=1, le=100, description="Faces in the answer, largest first.")] = 50,
) -> dict[str, Any]:
    """Every face in a photo, from left to right: a person, or null for a stranger."""
    photo = await read_photo(request, service)
    # Before the photo is looked at: a rate that cannot be had is told at once.
    await run_in_threadpool(service.recognizer.threshold, fpir)
    with service.engine.place() as place:
        found, encoded = await place.faces(photo.content, most=limit)
    service.metrics.seen(len(encoded))
    height, width = found.picture.shape[:2]
    faces = await run_in_threadpool(_judged, encoded)
    # The search may wait for the gallery: pixels, which no limit of memory counts, must not wait with it.
    del found, encoded

    def search() -> dict[str, Any]:
        recognizer = service.recognizer
        # Asked again: the gallery may have grown meanwhile.
        sightings = recognizer.sightings(faces, recognizer.threshold(fpir))
        for sighting in sightings:
            _note(service, key, sighting)
        return {
            "fpir": fpir,
            "templates": recognizer.store.count_templates(),
            "width": width,
            "height": height,
            "faces": [fields.sighting(one) for one in sightings],
        }

    return await run_in_threadpool(search)


@router.post(
    "/verify",
    openapi_extra=body("left", "right"),
    responses=refusals(*PHOTO, NoFace, SeveralFaces, NotCalibrated),
)
async def verify(
    service: Served,
    key: Reader,
    request: Request,
    fmr: Annotated[float, Rate("Share of strangers who may pass.")] = FMR,
) -> dict[str, Any]:
    """Whether the photos `left` and `right` of a form show the same person."""
    form = await read_form(request, service, 2, "left", "right")
    # Before any photo is looked at: what is missing, or a rate that cannot be had, is told at once.
    sent = ((form.one("left"), "the first photo"), (form.one("right"), "the second photo"))
    service.recognizer.encoder.model.calibrated().threshold(fmr)
    faces = []
    with service.engine.place() as place:
        for photo, called in sent:
            faces.append(await place.only_face(photo.content, called))
    service.metrics.seen(len(faces))

    def compare() -> dict[str, Any]:
        found = comparing.compare(service.recognizer.encoder.model, *faces, fmr=fmr)
        service.note(key, "verify", "same" if found.same else "different", threshold=found.threshold)
        return fields.verification(found)

    return await run_in_threadpool(compare)


@router.post("/detect", openapi_extra=body("photo", bare=True), responses=refusals(*PHOTO))
async def detect(service: Served, _: Reader, request: Request) -> dict[str, Any]:
    """Every face in a photo: box, five landmarks and quality."""
    photo = await read_photo(request, service)
    with service.engine.place() as place:
        found = await place.find(photo.content)
    service.metrics.seen(len(found.faces))

    def describe() -> dict[str, Any]:
        height, width = found.picture.shape[:2]
        shown = [fields.face(one, assess(found.picture, one)) for one in found.faces]
        return {"width": width, "height": height, "faces": shown}

    return await run_in_threadpool(describe)


def _judged(faces: Sequence[EncodedFace]) -> list[JudgedFace]:
    return [face.judged() for face in faces]


def _note(service: Service, key: Key, sighting: Sighting) -> None:
    named = sighting.best if sighting.person is not None else None
    service.note(
        key,
        "identify",
        "named" if named else "nobody",
        person_id=named.person_id if named else None,
        threshold=sighting.threshold,
    )
