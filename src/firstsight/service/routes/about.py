"""Who asks, which model answers, and how the service does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Response

from firstsight.errors import FirstsightError
from firstsight.service import audit
from firstsight.service.description import GALLERY, other_than_json, refusals
from firstsight.service.routes.paging import Cursor, Limit, following, number
from firstsight.service.state import Admin, Reader, Served

router = APIRouter()
UNREADY: Final[dict[int | str, dict[str, Any]]] = {
    503: {"model": dict[str, str], "description": "The gallery cannot be read."}
}


@router.get("/v1/me", responses=refusals())
def me(key: Reader) -> dict[str, str]:
    """The key that is used, and its role."""
    return {"key": key.name, "role": key.role}


@router.get("/v1/model", responses=refusals(*GALLERY))
def model(service: Served, _: Reader) -> dict[str, Any]:
    """The model and the size of the gallery."""
    opened, store = service.recognizer.encoder.model, service.recognizer.store
    card = opened.card
    return {
        "name": opened.name,
        "title": card.title,
        "licence": card.licence,
        "trained_on": card.trained_on,
        "limits": card.limits,
        "parameters": card.parameters,
        "digest": opened.digest,
        "dimension": opened.dimension,
        "people": store.count_people(),
        "templates": store.count_templates(),
    }


@router.get("/v1/audit", responses=refusals())
def log(service: Served, _: Admin, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """The audit log, newest first."""
    entries = audit.page(service.ledger, number(cursor), limit)
    return {"entries": [asdict(entry) for entry in entries], "next": following(entries, limit)}


@router.get("/healthz", responses=refusals(keyed=False))
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses=refusals(keyed=False) | UNREADY)
def ready(service: Served, response: Response) -> dict[str, str]:
    """The gallery can be read."""
    try:
        service.recognizer.store.count_templates()
    except FirstsightError as error:
        response.status_code = 503
        return {"status": error.code}
    return {"status": "ok"}


@router.get("/metrics", response_class=Response, responses=refusals() | other_than_json("text/plain"))
def metrics(service: Served, _: Reader) -> Response:
    """Prometheus's text format."""
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")
