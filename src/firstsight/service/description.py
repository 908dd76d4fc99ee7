"""What the description for machines (OpenAPI) cannot see by itself: bodies read in pieces, and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, Field

from firstsight.errors import (
    BodyMalformed,
    BodyTooLarge,
    FirstsightError,
    Forbidden,
    GalleryBusy,
    GalleryCorrupt,
    GalleryUnavailable,
    ImageTooLarge,
    ImageUnreadable,
    ModelMismatch,
    Overloaded,
    RateLimited,
    ServiceError,
    Unauthorized,
    UsageError,
)
from firstsight.service.bodies import FORM, ZIP

PICTURE: Final = {"type": "string", "format": "binary"}
PHOTO: Final = (ImageUnreadable, ImageTooLarge, Overloaded, UsageError)
"""What may be wrong with a photo, whatever is looked for in it."""
GALLERY: Final = (GalleryUnavailable, GalleryBusy, GalleryCorrupt, ModelMismatch)
ALWAYS: Final = (BodyMalformed, BodyTooLarge, ServiceError)
KEYED: Final = (Unauthorized, Forbidden, RateLimited, GalleryUnavailable)


class Refusal(BaseModel):
    """What happened, and what to do about it."""

    code: str = Field(description="For machines; it does not change.")
    message: str
    hint: str
    request_id: str = Field(description="As in the header X-Request-Id and in the service's log.")
    boxes: list[dict[str, float]] = Field(
        default_factory=list,
        description="Only of `several_faces`: the rectangles of the faces, as `POST /v1/detect` gives them.",
    )


class Refused(BaseModel):
    """The one form of all errors."""

    error: Refusal


def refusals(*errors: type[FirstsightError], keyed: bool = True) -> dict[int | str, dict[str, Any]]:
    """The errors of a route beside those that every route may answer with, by status."""
    found: dict[int, set[str]] = {}
    for error in (*errors, *ALWAYS, *(KEYED if keyed else ())):
        found.setdefault(error.http_status, set()).add(error.code)
    # The framework's own words for what it cannot read.
    found.setdefault(400, set()).add(BodyMalformed.code)
    return {
        status: {"model": Refused, "description": ", ".join(f"`{code}`" for code in sorted(codes))}
        | _headers(status)
        for status, codes in sorted(found.items())
    }


def other_than_json(kind: str) -> dict[int | str, dict[str, Any]]:
    """A good answer of another media type."""
    return {200: {"content": {kind: {"schema": {"type": "string"}}}}}


def body(
    *photos: str,
    bare: bool = False,
    packed: bool = False,
    several: bool = False,
    texts: Mapping[str, Mapping[str, Any]] | None = None,
    needed: Sequence[str] = (),
) -> dict[str, Any]:
    """The body of a route that reads it itself: a form of photos, by field, and beside them texts.

    Args:
        photos: fields that hold photos; all are needed.
        bare: whether a photo may come without a form.
        packed: whether a zip may come in the form's place.
        several: whether a field may hold more than one photo.
        texts: schemas of the other fields.
        needed: which of those must not be left out.
    """
    photo = {"type": "array", "items": PICTURE, "minItems": 1} if several else PICTURE
    form = {
        "type": "object",
        "properties": {**dict.fromkeys(photos, photo), **(texts or {})},
        "required": [*photos, *needed],
    }
    content: dict[str, Any] = {FORM: {"schema": form}}
    if bare:
        content["image/*"] = {"schema": PICTURE}
    if packed:
        content[ZIP[0]] = {"schema": PICTURE}
    return {"requestBody": {"required": True, "content": content}}


def _headers(status: int) -> dict[str, Any]:
    if status in (429, 503):
        about, kind = "Seconds after which to come back.", {"type": "integer", "minimum": 1}
        return {"headers": {"Retry-After": {"description": about, "required": True, "schema": kind}}}
    if status == 401:
        return {"headers": {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}}
    return {}
