"""Photo to faces, for many requests at once and never more than the service can take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, TypeVar

from firstsight.errors import Overloaded, UsageError
from firstsight.images import needed_memory
from firstsight.networks import spread
from firstsight.recognizer import EncodedFace, Encoder
from firstsight.recognizer.encoder import FoundFaces, the_only
from firstsight.service.budget import Gate
from firstsight.service.line import Line
from firstsight.service.settings import Settings
from firstsight.service.workers import Workers

PAUSE: Final = 0.05
"""Seconds between two looks for room."""
T = TypeVar("T")


class Engine:
    """One model for all requests, which wait in one line. Of one event loop."""

    def __init__(self, encoder: Encoder, settings: Settings) -> None:
        """Share one model between all requests."""
        self.encoder, self.settings = encoder, settings
        self.line = Line(settings)
        self.decoding = Gate(settings.decoding_bytes)
        self.workers = Workers(settings.workers, encoder.model.embed, settings.batch, self._spread)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place in the line, for all photos of a request, one after the other.

        Raises:
            Overloaded: there is none.
        """
        with self.line.place():
            yield Place(self)

    async def room(self) -> None:
        """Wait until half of the places are free: an import never keeps out who asks meanwhile."""
        while self.line.depth > self.settings.waiting // 2:
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Finish what is in work."""
        await asyncio.to_thread(self.workers.close)

    def _spread(self, alone: bool) -> None:
        """A photo that is alone gets all cores; several get one each, which wastes nothing on sharing."""
        if self.settings.cores:
            spread(self.settings.cores if alone else 1)


class Place:
    """Where one request's photos are worked on."""

    def __init__(self, engine: Engine) -> None:
        """In the line of an engine."""
        self._engine = engine

    async def find(self, photo: bytes) -> FoundFaces:
        """The faces of a photo, not embedded.

        Raises:
            ImageError: the photo.
            UsageError: more faces than are allowed.
            Overloaded: it took too long.
        """
        return await self._in_time(self._engine.workers.find(partial(self._find, photo, None)))

    async def faces(self, photo: bytes, *, most: int | None = None) -> tuple[FoundFaces, list[EncodedFace]]:
        """The faces of a photo, and with their templates; of the ``most`` largest ones, if told.

        Raises as ``find``.
        """
        work = self._engine.workers.encode(partial(self._find, photo, most))
        found, embeddings = await self._in_time(work)
        return found, found.encoded(embeddings)

    async def only_face(self, photo: bytes, name: str) -> EncodedFace:
        """The one face of a photo of that name.

        Raises as ``find``, and:
            NoFace, SeveralFaces: there is none, or more than one.
        """
        return the_only((await self.faces(photo))[1], name)

    async def _in_time(self, work: Awaitable[T]) -> T:
        deadline = self._engine.settings.deadline
        try:
            async with asyncio.timeout(deadline):
                return await work
        except TimeoutError as error:
            raise Overloaded(
                f"The photo was not done within {deadline:g} s.", hint="Try again later.", retry_after=5
            ) from error

    def _find(self, photo: bytes, most: int | None) -> FoundFaces:
        settings = self._engine.settings
        with self._engine.decoding.held(needed_memory(photo, limits=settings.photo)):
            found = self._engine.encoder.find(photo, limits=settings.photo)
        if len(found.faces) > settings.faces:
            raise UsageError(
                f"The photo shows {len(found.faces)} faces; at most {settings.faces} are taken.",
                hint="Send a part of it.",
            )
        return found if most is None or len(found.faces) <= most else found.largest(most)
