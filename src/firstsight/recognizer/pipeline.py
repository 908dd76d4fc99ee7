"""Many photos at once: looked at and embedded by several threads, answered in their order.

Each thread takes a few photos, looks at them one by one, and embeds all their faces together; so every core
does the same work, and none waits for another. Threads are enough, for decoding, detecting and embedding
happen outside of Python's lock; where their number makes it felt, several processes share the photos, see
``parts``. Only so many photos are read ahead, and of each only what is asked for is kept.

OpenCV and torch have threads of their own, which get in the way of these. How many they may use holds for a
whole process, so that a program says it, and not this library.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import FaceError, FirstsightError, ImageError, InvalidName
from firstsight.models import Model
from firstsight.networks import cores

FEW: Final = 8
"""Photos that a thread takes at once: as many crops as pass a tower together."""
AHEAD: Final = 4
"""How often ``FEW`` photos of each thread are taken before their turn, so that one that takes long does not
hold up the others."""
MORE: Final = 2
"""Threads beyond one for each core: while one waits for Python's lock, another has its core. On two cores
they did a tenth more photos."""

Item = TypeVar("Item")
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Generic[Kept]):
    """What is to be embedded of a photo, and what else is kept of it."""

    crops: NDArray[np.uint8] | None = field(repr=False)
    """(N, S, S, C), as the model takes them; N may be 0. None: nothing."""
    kept: Kept


@dataclass(frozen=True, slots=True, eq=False)
class Done(Generic[Item, Kept]):
    """What became of a photo: either something is kept of it, or there is an error."""

    item: Item
    kept: Kept | None
    embeddings: NDArray[np.float32] = field(repr=False)
    """(N, D), a row for each crop."""
    error: FirstsightError | None = None


def embed_each(
    model: Model,
    items: Iterable[Item],
    look: Callable[[Item], Seen[Kept]],
    *,
    workers: int | None = None,
) -> Generator[Done[Item, Kept], None, None]:
    """Look at photos and embed what is seen, several at a time.

    What is closed, or interrupted, stops after the photos that are being looked at.

    Args:
        model: embeds the crops.
        items: what stands for the photos; taken by the caller's thread, a little ahead of the answers.
        look: reads a photo; called by several threads. Of its errors ``ImageError``, ``FaceError`` and
            ``InvalidName`` are of that photo, and all others end the whole.
        workers: threads; two more than there are cores when None.

    Yields:
        One for each item, in their order.
    """
    stop = threading.Event()
    count = workers or cores() + MORE
    rest = iter(items)
    waiting: deque[Future[list[Done[Item, Kept]]]] = deque()

    def work(few: list[Item]) -> list[Done[Item, Kept]]:
        seen: list[Seen[Kept] | FirstsightError] = []
        for item in few:
            if stop.is_set():
                return []
            seen.append(_looked(look, item))
        return _embedded(model, few, seen)

    pool = ThreadPoolExecutor(count, thread_name_prefix="embed")
    try:
        while True:
            while len(waiting) < AHEAD * count and (few := list(islice(rest, FEW))):
                waiting.append(pool.submit(work, few))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def _looked(look: Callable[[Item], Seen[Kept]], item: Item) -> Seen[Kept] | FirstsightError:
    try:
        return look(item)
    except (ImageError, FaceError, InvalidName) as error:
        return error


def _embedded(
    model: Model, items: list[Item], seen: list[Seen[Kept] | FirstsightError]
) -> list[Done[Item, Kept]]:
    crops = [each.crops for each in seen if isinstance(each, Seen) and each.crops is not None]
    rows = model.embed(np.concatenate(crops)) if crops else np.empty((0, model.dimension), np.float32)
    done, end = [], 0
    for item, each in zip(items, seen, strict=True):
        if isinstance(each, Seen):
            start, end = end, end + (0 if each.crops is None else len(each.crops))
            done.append(Done(item, each.kept, rows[start:end]))
        else:
            done.append(Done(item, None, rows[:0], each))
    return done
