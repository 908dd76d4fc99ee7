"""People: list, show, change, merge, erase, and all that is held of one."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from firstsight import fields
from firstsight.errors import (
    ChangeUncertain,
    GalleryLocked,
    InvalidName,
    NameTaken,
    NoSuchPerson,
    UsageError,
)
from firstsight.gallery import Person
from firstsight.gallery.text import now
from firstsight.service import audit, searching
from firstsight.service.days import coming_day
from firstsight.service.description import GALLERY, refusals
from firstsight.service.keys import Key
from firstsight.service.routes.paging import ABOUT, LARGEST, OURS, Cursor, Limit, Number, following, number
from firstsight.service.state import Admin, Reader, Served, Writer

router = APIRouter(prefix="/v1/people")
NOTED: Final = 10_000
"""Characters of a name, or of what is noted of a person."""
NOTES: Final = "write"
"""The role that may read what is noted of a person."""
Text = Annotated[str, Field(max_length=NOTED)]
Day = Annotated[date, BeforeValidator(coming_day), Field(description="Today (UTC) or later.")]


class Change(BaseModel):
    """What may be noted of a person; what is left out stays, null takes back what was noted."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    consent: Text | None = None
    retain_until: Day | None = None
    notes: Text | None = None


class Newcomer(Change):
    """A person to be added."""

    name: Text


class Merger(BaseModel):
    """Whom the photos go to."""

    model_config = ConfigDict(extra="forbid")

    into: Annotated[int, Field(ge=1, le=LARGEST)]


class Search(BaseModel):
    """Who is looked for. Not in the address, where a proxy's log would keep names."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=NOTED, description="Of their name or notes.")]
    exact: Annotated[bool, Field(description="It is the whole name.")] = False
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    cursor: Annotated[str | None, Field(max_length=100, description=ABOUT, json_schema_extra=OURS)] = None


def told(person: Person, key: Key) -> dict[str, Any]:
    """Somebody, as far as a key may know of them: a door that compares need not read what is noted."""
    values = fields.person(person)
    return values if key.may(NOTES) else values | {"consent": None, "notes": None}


@router.get("", responses=refusals(*GALLERY))
def everybody(service: Served, key: Reader, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """The people, in the order of enrolment, page by page; `consent` and `notes` from `write` on."""
    found = service.recognizer.store.page(number(cursor) or 0, limit)
    return {"people": [told(one, key) for one in found], "next": following(found, limit)}


@router.post("/search", responses=refusals(*GALLERY))
def search(service: Served, key: Reader, wanted: Search) -> dict[str, Any]:
    """People with a text in their name, or from `write` on their notes.

    A page may hold few of them, and `next` still lead on.
    """
    store, after = service.recognizer.store, None
    if wanted.exact:
        found = searching.called(store, wanted.text)
    else:
        found, after = searching.with_text(
            store, wanted.text, number(wanted.cursor) or 0, wanted.limit, notes=key.may(NOTES)
        )
    return {"people": [told(one, key) for one in found], "next": None if after is None else str(after)}


@router.post("", status_code=201, responses=refusals(NameTaken, InvalidName, ChangeUncertain, *GALLERY))
def add(service: Served, key: Writer, new: Newcomer) -> dict[str, Any]:
    """A person, without photos yet."""
    with service.change(key, "add", status=201) as noted:
        person = service.recognizer.store.add(
            new.name,
            [],
            consent=new.consent,
            retain_until=new.retain_until,
            notes=new.notes,
            newcomer=True,
        )
        noted("added", person.id)
    return fields.person(person)


@router.get("/{person_id}", responses=refusals(NoSuchPerson, *GALLERY))
def show(service: Served, key: Reader, person_id: Number) -> dict[str, Any]:
    """A person and their photos; `consent` and `notes` from `write` on."""
    store = service.recognizer.store
    person = store.person(person_id)
    photos = [fields.template(one) for one in store.templates(person_id)]
    return {"person": told(person, key), "photos": photos}


@router.patch(
    "/{person_id}", responses=refusals(NoSuchPerson, NameTaken, InvalidName, ChangeUncertain, *GALLERY)
)
def change(service: Served, key: Writer, person_id: Number, wanted: Change) -> dict[str, Any]:
    """Another name, or other notes."""
    # By number throughout: whoever has the name by the next step may be somebody else.
    store = service.recognizer.store
    given = wanted.model_fields_set
    with service.change(key, "change", person_id=person_id) as noted:
        person = store.person(person_id) if wanted.name is None else store.rename(person_id, wanted.name)
        if wanted.name is not None:
            # Before the notes: the new name stays, whatever becomes of them.
            noted("changed", person_id)
        if given & {"consent", "notes", "retain_until"}:
            person = store.annotate(
                person_id,
                consent=(wanted.consent or "") if "consent" in given else None,
                notes=(wanted.notes or "") if "notes" in given else None,
                retain_until=wanted.retain_until,
                no_date="retain_until" in given and wanted.retain_until is None,
            )
        if wanted.name is None:
            noted("changed", person_id)
    return fields.person(person)


@router.post(
    "/{person_id}/merge",
    responses=refusals(NoSuchPerson, UsageError, GalleryLocked, ChangeUncertain, *GALLERY),
)
def merge(service: Served, key: Writer, person_id: Number, wanted: Merger) -> dict[str, Any]:
    """All photos to another person; this one is removed."""
    with service.change(key, "merge", person_id=person_id) as noted:
        person = service.recognizer.store.merge(person_id, wanted.into)
        noted("merged", person_id)
        noted("merged into", person.id)
    return fields.person(person)


@router.delete("/{person_id}", responses=refusals(NoSuchPerson, ChangeUncertain, *GALLERY))
def erase(service: Served, key: Admin, person_id: Number) -> dict[str, Any]:
    """Remove a person and all that is held of them; the answer is the receipt."""
    with service.change(key, "erase", person_id=person_id) as noted:
        receipt = service.recognizer.store.erase(person_id)
        noted("erased", person_id)
    return fields.receipt(receipt)


@router.get("/{person_id}/export", responses=refusals(NoSuchPerson, GalleryLocked, *GALLERY))
def export(service: Served, key: Admin, person_id: Number) -> dict[str, Any]:
    """All that is held of a person: for who asks what is known of them.

    Of each photo `templates` has the numbers that stand for the face, which are float32, little-endian, in
    base64; `model` says what made them.
    """
    store = service.recognizer.store
    person, held = store.person(person_id), store.held(person_id)
    service.note(key, "export", "exported", person_id=person_id)
    return {
        "person": fields.person(person),
        "photos": [fields.template(photo) for photo, _ in held],
        "templates": {
            str(photo.id): _encoded(kept.embedding.astype("<f4").tobytes()) for photo, kept in held
        },
        "model": asdict(store.contract),
        "crops": {str(photo.id): _encoded(kept.crop) for photo, kept in held if kept.crop},
        "audit": [asdict(entry) for entry in audit.of_person(service.ledger, person_id)],
        "exported": now(),
    }


def _encoded(held: bytes) -> str:
    return base64.b64encode(held).decode()
