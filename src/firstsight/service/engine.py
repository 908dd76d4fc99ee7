"""Photo to faces, for many requests at once and never more than the service can take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from firstsight.errors import Overloaded, UsageError
from firstsight.recognizer import EncodedFace, Encoder
from firstsight.recognizer.encoder import FoundFaces, the_only
from firstsight.service.batching import Batcher
from firstsight.service.settings import Settings

PAUSE: Final = 0.05
"""Seconds between two looks for room."""


class Engine:
    """Decodes in threads, embeds in batches. Of one event loop."""

    def __init__(self, encoder: Encoder, settings: Settings) -> None:
        """Share one model between all requests."""
        self.encoder, self._settings = encoder, settings
        self._threads = ThreadPoolExecutor(settings.workers, thread_name_prefix="decoding")
        self._batcher = Batcher(encoder.model.embed, settings.batch)
        self.depth = 0
        """Photos in work or waiting."""

    async def find(self, photo: bytes) -> FoundFaces:
        """The faces of a photo, not embedded.

        Raises:
            ImageError: the photo.
            UsageError: more faces than are allowed.
            Overloaded: too much is waiting, or it took too long.
        """
        async with self._admitted():
            return await self._found(photo)

    async def faces(self, photo: bytes, *, most: int | None = None) -> tuple[FoundFaces, list[EncodedFace]]:
        """The faces of a photo, and with their templates; of the ``most`` largest ones, if told.

        Raises as ``find``.
        """
        async with self._admitted():
            found = await self._found(photo)
            if most is not None and len(found.faces) > most:
                found = found.largest(most)
            return found, found.encoded(await self._batcher.embed(found.crops))

    async def only_face(self, photo: bytes, name: str) -> EncodedFace:
        """The one face of a photo of that name.

        Raises as ``find``, and:
            NoFace, SeveralFaces: there is none, or more than one.
        """
        return the_only((await self.faces(photo))[1], name)

    async def room(self) -> None:
        """Wait until half of the places are free: an import never keeps out who asks meanwhile."""
        while self.depth > self._settings.waiting // 2:
            await asyncio.sleep(PAUSE)

    async def close(self) -> None:
        """Finish what is in work."""
        await self._batcher.close()
        self._threads.shutdown()

    @asynccontextmanager
    async def _admitted(self) -> AsyncIterator[None]:
        if self.depth >= self._settings.waiting:
            raise Overloaded(
                f"{self.depth} photos are waiting already.", hint="Try again in a second.", retry_after=1
            )
        self.depth += 1
        try:
            async with asyncio.timeout(self._settings.deadline):
                yield
        except TimeoutError as error:
            raise Overloaded(
                f"The photo was not done within {self._settings.deadline:g} s.",
                hint="Try again later.",
                retry_after=5,
            ) from error
        finally:
            self.depth -= 1

    async def _found(self, photo: bytes) -> FoundFaces:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._find, photo)

    def _find(self, photo: bytes) -> FoundFaces:
        found = self.encoder.find(photo, limits=self._settings.photo)
        if len(found.faces) > self._settings.faces:
            raise UsageError(
                f"The photo shows {len(found.faces)} faces; at most {self._settings.faces} are taken.",
                hint="Send a part of it.",
            )
        return found
