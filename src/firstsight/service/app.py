"""The application: one gallery and one model behind the routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import resources
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import firstsight
from firstsight.errors import FirstsightError
from firstsight.recognizer import Recognizer
from firstsight.service.envelope import Envelope, on_error, on_refusal
from firstsight.service.ledger import Ledger
from firstsight.service.routes import about, enroll, faces, people, photos
from firstsight.service.settings import Settings
from firstsight.service.state import open_service
from firstsight.service.sweeping import sweep_forever

ABOUT = "Know a person from one photograph, and say when it is nobody you know."


def create_app(recognizer: Recognizer, ledger: Ledger, settings: Settings) -> FastAPI:
    """An ASGI application; recognizer and ledger stay the caller's to close."""
    ledger.settle()
    service = open_service(recognizer, ledger, settings)

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(sweep_forever(service))
        try:
            yield
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            await service.jobs.close()
            await service.engine.close()

    # The framework's own page of the API loads from elsewhere; the description itself is enough.
    app = FastAPI(
        title="firstsight",
        description=ABOUT,
        version=firstsight.__version__,
        lifespan=living,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # It would be to whatever host the request names, and out of TLS behind a proxy.
        redirect_slashes=False,
    )
    app.state.service = service
    for routes in (about, people, photos, enroll, faces):
        app.include_router(routes.router)
    app.add_exception_handler(FirstsightError, on_error)
    app.add_exception_handler(RequestValidationError, on_refusal)
    app.add_exception_handler(HTTPException, on_refusal)
    web = Path(str(resources.files("firstsight.service").joinpath("web")))
    app.mount("/static", StaticFiles(directory=web))

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(web / "index.html")

    @app.get("/docs", include_in_schema=False)
    def described() -> FileResponse:
        return FileResponse(web / "docs.html")

    app.add_middleware(
        Envelope, metrics=service.metrics, line=service.engine.line, patience=settings.deadline
    )
    return app
