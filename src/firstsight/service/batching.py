"""Faces of several requests, embedded together: a tower is faster on many crops than on each alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

Crops = NDArray[np.uint8]
Embeddings = NDArray[np.float32]
Embed = Callable[[Crops], Embeddings]
NAME: Final = "embedding"


class Batcher:
    """One thread that embeds whatever has come meanwhile. Of one event loop."""

    def __init__(self, embed: Embed, batch: int) -> None:
        """Embed up to ``batch`` crops at a time; more, when one photo has more."""
        self._embed, self._batch = embed, batch
        self._waiting: deque[tuple[Crops, asyncio.Future[Embeddings]]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=NAME)
        self._running: asyncio.Task[None] | None = None

    async def embed(self, crops: Crops) -> Embeddings:
        """(N, S, S, C) uint8 -> (N, D) float32, as the model itself would."""
        if not len(crops):
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._embed, crops)
        future: asyncio.Future[Embeddings] = asyncio.get_running_loop().create_future()
        self._waiting.append((crops, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._work())
        return await future

    async def close(self) -> None:
        """Finish what is being embedded."""
        if self._running:
            await asyncio.gather(self._running, return_exceptions=True)
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            together = [self._waiting.popleft()]
            count = len(together[0][0])
            while self._waiting and count + len(self._waiting[0][0]) <= self._batch:
                together.append(self._waiting.popleft())
                count += len(together[-1][0])
            # Whoever gave up meanwhile costs nothing.
            together = [one for one in together if not one[1].done()]
            if not together:
                continue
            try:
                crops = np.concatenate([one[0] for one in together])
                embeddings = await loop.run_in_executor(self._thread, self._embed, crops)
            except Exception as error:
                for _, future in together:
                    if not future.done():
                        future.set_exception(error)
                continue
            start = 0
            for own, future in together:
                if not future.done():
                    future.set_result(embeddings[start : start + len(own)])
                start += len(own)
