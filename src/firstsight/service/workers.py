"""Threads that find the faces of photos and embed them: one for each core, and no others in their way."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from firstsight.recognizer.encoder import FoundFaces

Crops = NDArray[np.uint8]
Embeddings = NDArray[np.float32]
Embed = Callable[[Crops], Embeddings]
Find = Callable[[], FoundFaces]
Answer = tuple[FoundFaces, Embeddings | None]


@dataclass(slots=True, eq=False)
class _Photo:
    """A photo on its way."""

    find: Find
    embedded: bool
    found: FoundFaces | None = None
    answer: Future[Answer] = field(default_factory=Future)
    """Not running until it is there, so that who asked can give up at any time."""

    @property
    def crops(self) -> Crops:
        assert self.found is not None  # noqa: S101 - embedded after they were found
        return self.found.crops

    def fail(self, error: Exception) -> None:
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)

    def done(self, embeddings: Embeddings | None) -> None:
        assert self.found is not None  # noqa: S101
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_result((self.found, embeddings))


class Workers:
    """A bounded number of threads. Faces of several requests are embedded together, where several wait.

    A thread looks for faces first, until there are enough of them for a batch or no other photo waits.
    So nobody waits for a batch to fill, photos leave in the order in which they came, and few decoded ones
    are held.
    """

    def __init__(
        self, count: int, embed: Embed, batch: int, alone: Callable[[bool], None] = lambda _: None
    ) -> None:
        """Make no thread before it is needed.

        Args:
            count: of threads.
            embed: (N, S, S, C) uint8 -> (N, D) float32.
            batch: crops that are embedded together; more, when one photo has more.
            alone: told, in a thread and before it works, whether all others have nothing to do.
        """
        self._count, self._embed, self._batch, self._alone = count, embed, batch, alone
        self._photos: deque[_Photo] = deque()
        self._found: deque[_Photo] = deque()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._closed = False

    async def find(self, find: Find) -> FoundFaces:
        """What ``find`` gives, or raises, in a thread."""
        return (await self._ask(_Photo(find, embedded=False)))[0]

    async def encode(self, find: Find) -> tuple[FoundFaces, Embeddings]:
        """The same, with the templates of its crops: (N, D) float32, as the model itself would."""
        found, embeddings = await self._ask(_Photo(find, embedded=True))
        assert embeddings is not None  # noqa: S101 - asked for
        return found, embeddings

    def close(self) -> None:
        """Finish what waits, and end; nothing more is taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _ask(self, photo: _Photo) -> asyncio.Future[Answer]:
        with self._changed:
            if self._closed:
                raise RuntimeError("The workers have ended.")
            self._photos.append(photo)
            if len(self._threads) < min(self._count, self._busy + len(self._photos)):
                name = f"worker {len(self._threads)}"
                self._threads.append(threading.Thread(target=self._run, name=name, daemon=True))
                self._threads[-1].start()
            self._changed.notify()
        return asyncio.wrap_future(photo.answer)

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            finally:
                # A thread without work would hold its last photo until it has some.
                del work
                with self._changed:
                    self._busy -= 1

    def _next(self) -> Callable[[], None] | None:
        """What is to be done next; None at the end."""
        with self._changed:
            while not (self._found or self._photos):
                # Who is still looking for faces embeds them as well.
                if self._closed:
                    return None
                self._changed.wait()
            self._busy += 1
            enough = sum(map(_size, self._found)) >= self._batch
            if self._found and (enough or not self._photos):
                work = partial(self._encode, self._together())
            else:
                work = partial(self._look, self._photos.popleft())
            waits = bool(self._found or self._photos)
            if waits:
                self._changed.notify()
            alone = self._busy == 1 and not waits
        self._alone(alone)
        return work

    def _together(self) -> list[_Photo]:
        """Those that have waited longest for their templates, as many as go together."""
        photos = [self._found.popleft()]
        count = _size(photos[0])
        while self._found and count + _size(self._found[0]) <= self._batch:
            photos.append(self._found.popleft())
            count += _size(photos[-1])
        return photos

    def _look(self, photo: _Photo) -> None:
        # Whoever gave up meanwhile costs nothing.
        if photo.answer.cancelled():
            return
        try:
            photo.found = photo.find()
        except Exception as error:
            photo.fail(error)
            return
        if not photo.embedded:
            photo.done(None)
            return
        with self._changed:
            self._found.append(photo)

    def _encode(self, photos: list[_Photo]) -> None:
        photos = [photo for photo in photos if not photo.answer.cancelled()]
        if not photos:
            return
        try:
            embeddings = self._embed(np.concatenate([photo.crops for photo in photos]))
        except Exception as error:
            for photo in photos:
                photo.fail(error)
            return
        start = 0
        for photo in photos:
            photo.done(embeddings[start : start + len(photo.crops)])
            start += len(photo.crops)


def _size(photo: _Photo) -> int:
    """Of what waits to be embedded. A photo without a face counts as well: its picture is held as long."""
    return max(1, len(photo.crops))
