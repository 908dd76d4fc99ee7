from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.service.service_makers import PATIENCE, until

from firstsight.errors import ImageUnreadable, ModelDamaged
from firstsight.faces import Detector
from firstsight.images import read_image
from firstsight.models import Model
from firstsight.recognizer import Encoder
from firstsight.recognizer.encoder import FoundFaces
from firstsight.service.workers import Crops, Embeddings, Workers

PICTURE = np.zeros((4, 4, 3), np.uint8)


class Slow:
    """Embeds a crop as its pixels; holds each call back until it is let through."""

    def __init__(self, *, held: bool = True) -> None:
        self.calls: list[int] = []
        self.failing: Exception | None = None
        self._gate = threading.Event()
        if not held:
            self._gate.set()

    def release(self) -> None:
        self._gate.set()

    def __call__(self, crops: Crops) -> Embeddings:
        self.calls.append(len(crops))
        assert self._gate.wait(PATIENCE)
        if self.failing:
            raise self.failing
        return truth(crops)


def truth(crops: Crops) -> Embeddings:
    return crops.reshape(len(crops), 4).astype(np.float32)


def crops(count: int, seed: int = 0) -> Crops:
    return np.random.default_rng([seed, count]).integers(0, 256, (count, 2, 2, 1), dtype=np.uint8)


def in_turn(done: list[int], number: int, _: object) -> None:
    done.append(number)


def found(crops: Crops) -> FoundFaces:
    return FoundFaces(PICTURE, (), crops)


class Batcher:
    """Workers, asked with crops that were found already."""

    def __init__(self, embed: Callable[[Crops], Embeddings], batch: int) -> None:
        self.workers = Workers(1, embed, batch)

    async def embed(self, crops: Crops) -> Embeddings:
        return (await self.workers.encode(lambda: found(crops)))[1]

    async def close(self) -> None:
        await asyncio.to_thread(self.workers.close)


def run(embed: Callable[[Crops], Embeddings], batch: int, test: Callable[[Batcher], Awaitable[None]]) -> None:
    """A test in an event loop, with workers of its own."""

    async def whole() -> None:
        batcher = Batcher(embed, batch)
        async with asyncio.timeout(PATIENCE):
            await test(batcher)
            await batcher.close()

    asyncio.run(whole())


async def held(batcher: Batcher, embed: Slow, counts: list[int]) -> list[asyncio.Task[Embeddings]]:
    """One crop that is being embedded, and requests of so many that wait behind it."""
    first = asyncio.create_task(batcher.embed(crops(1, 99)))
    await until(lambda: embed.calls == [1])
    waiting = [asyncio.create_task(batcher.embed(crops(count, seed))) for seed, count in enumerate(counts)]
    # Once round, and all of them have asked.
    await asyncio.sleep(0)
    return [first, *waiting]


@settings(deadline=None, max_examples=60)
@given(counts=st.lists(st.integers(0, 7), max_size=12), batch=st.integers(1, 8))
def test_each_gets_its_own_whatever_is_together(counts: list[int], batch: int) -> None:
    embed = Slow(held=False)

    async def test(batcher: Batcher) -> None:
        wanted = [crops(count, seed) for seed, count in enumerate(counts)]
        got = await asyncio.gather(*map(batcher.embed, wanted))
        for own, embeddings in zip(wanted, got, strict=True):
            np.testing.assert_array_equal(embeddings, truth(own))

    run(embed, batch, test)
    assert sum(embed.calls) == sum(counts)
    assert max(embed.calls, default=0) <= max(batch, *counts, 0)


def test_as_the_model_itself_would(sface: Model, detector: Detector, people: dict[str, list[Path]]) -> None:
    encoder = Encoder(sface, detector=detector)
    photos = [read_image(pictures[0]) for pictures in list(people.values())[:5]]
    seen = np.concatenate([encoder.find(photo).crops for photo in photos])
    parts = [seen[:1], seen[1:1], seen[1:4], seen[4:]]

    async def test(batcher: Batcher) -> None:
        got = await asyncio.gather(*map(batcher.embed, parts))
        for own, embeddings in zip(parts, got, strict=True):
            np.testing.assert_allclose(embeddings, sface.embed(own), atol=1e-5)
            assert embeddings.dtype == np.float32
            assert embeddings.shape == (len(own), sface.dimension)

    run(sface.embed, 4, test)


def test_what_waits_is_embedded_together() -> None:
    embed = Slow()

    async def test(batcher: Batcher) -> None:
        tasks = await held(batcher, embed, [1, 2, 1, 3])
        embed.release()
        await asyncio.gather(*tasks)

    run(embed, 16, test)
    assert embed.calls == [1, 7]


def test_photos_without_a_face_wait_no_longer_than_others() -> None:
    """Each holds its picture until it is answered: of many, only a batch is looked at ahead."""
    embed, looked = Slow(), 0

    def look() -> FoundFaces:
        nonlocal looked
        looked += 1
        return found(crops(0))

    async def whole() -> None:
        workers = Workers(2, embed, 3)
        async with asyncio.timeout(PATIENCE):
            first = asyncio.create_task(workers.encode(lambda: found(crops(1))))
            await until(lambda: embed.calls == [1])
            others = [asyncio.create_task(workers.encode(look)) for _ in range(20)]
            await until(lambda: looked >= 3)
            await asyncio.sleep(0.05)
            assert looked == 3
            embed.release()
            await asyncio.gather(first, *others)
            await asyncio.to_thread(workers.close)

    asyncio.run(whole())
    assert looked == 20


def test_in_order_and_no_more_than_the_batch_at_once() -> None:
    """Two fill it; what does not fit waits for the next, and nobody passes it."""
    embed = Slow()
    done: list[int] = []

    async def test(batcher: Batcher) -> None:
        tasks = await held(batcher, embed, [2, 2, 1, 2, 4, 9, 1])
        for number, task in enumerate(tasks):
            task.add_done_callback(partial(in_turn, done, number))
        embed.release()
        await asyncio.gather(*tasks)

    run(embed, 4, test)
    assert embed.calls == [1, 4, 3, 4, 9, 1]
    assert done == list(range(8))


def test_one_after_another() -> None:
    """The tower is not run by two threads at once."""
    running = most = 0

    def embed(crops: Crops) -> Embeddings:
        nonlocal running, most
        running += 1
        most = max(most, running)
        threading.Event().wait(0.002)
        running -= 1
        return truth(crops)

    async def test(batcher: Batcher) -> None:
        await asyncio.gather(*(batcher.embed(crops(count % 3, count)) for count in range(30)))

    run(embed, 2, test)
    assert most == 1


def test_it_works_again_after_a_rest() -> None:
    embed = Slow(held=False)

    async def test(batcher: Batcher) -> None:
        for count in (1, 2, 3):
            np.testing.assert_array_equal(await batcher.embed(crops(count)), truth(crops(count)))
            await asyncio.sleep(0.01)

    run(embed, 4, test)
    assert embed.calls == [1, 2, 3]


def test_an_error_reaches_all_who_wait_and_the_next_are_served() -> None:
    embed = Slow()

    async def test(batcher: Batcher) -> None:
        embed.failing = ModelDamaged("Broken.")
        tasks = await held(batcher, embed, [1, 2])
        embed.release()
        for got in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(got, ModelDamaged)
        embed.failing = None
        np.testing.assert_array_equal(await batcher.embed(crops(2)), truth(crops(2)))

    run(embed, 16, test)
    assert embed.calls == [1, 3, 2]


def test_crops_that_do_not_go_together_leave_nobody_waiting() -> None:
    """Whatever is wrong with a batch is an error for those in it, not an answer that never comes."""
    embed = Slow()

    async def test(batcher: Batcher) -> None:
        tasks = await held(batcher, embed, [1])
        odd = asyncio.create_task(batcher.embed(np.zeros((1, 3, 3, 1), np.uint8)))
        await asyncio.sleep(0)
        embed.release()
        await asyncio.wait([*tasks, odd], timeout=1)
        assert tasks[0].done()
        assert tasks[1].done()
        assert odd.done()
        np.testing.assert_array_equal(await batcher.embed(crops(2)), truth(crops(2)))

    try:
        run(embed, 16, test)
    finally:
        # What a task left behind is told now, not in the middle of another test.
        gc.collect()


@pytest.mark.parametrize("given_up", [0, 1, 2, 3])
def test_who_gives_up_breaks_nothing_for_the_others(given_up: int) -> None:
    """While it waits, or while it is being embedded (0)."""
    embed, counts = Slow(), [2, 3, 1]

    async def test(batcher: Batcher) -> None:
        tasks = await held(batcher, embed, counts)
        tasks[given_up].cancel()
        await asyncio.sleep(0)
        embed.release()
        got = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(got.pop(given_up), asyncio.CancelledError)
        wanted = [crops(1, 99), *(crops(count, seed) for seed, count in enumerate(counts))]
        del wanted[given_up]
        for own, embeddings in zip(wanted, got, strict=True):
            np.testing.assert_array_equal(embeddings, truth(own))

    run(embed, 16, test)
    # Who gave up before their turn costs nothing.
    assert embed.calls == [1, sum(counts) - (counts[given_up - 1] if given_up else 0)]


def test_when_all_give_up_it_goes_on() -> None:
    embed = Slow()

    async def test(batcher: Batcher) -> None:
        tasks = await held(batcher, embed, [2, 3])
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)
        embed.release()
        np.testing.assert_array_equal(await batcher.embed(crops(4)), truth(crops(4)))

    run(embed, 16, test)
    assert embed.calls == [1, 4]


def test_closing_finishes_what_waits() -> None:
    embed = Slow()

    async def test(batcher: Batcher) -> None:
        tasks = await held(batcher, embed, [1, 2])
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        embed.release()
        await closing
        assert [len(embeddings) for embeddings in await asyncio.gather(*tasks)] == [1, 1, 2]
        with pytest.raises(RuntimeError):
            await batcher.embed(crops(1))

    run(embed, 16, test)


def test_no_more_pictures_are_held_than_fill_a_batch() -> None:
    """However many wait: faces are embedded before further ones are looked for."""
    held: list[int] = []
    looked = embedded = 0
    lock = threading.Lock()

    def look(number: int) -> FoundFaces:
        nonlocal looked
        with lock:
            looked += 1
            held.append(looked - embedded)
        return found(crops(1, number))

    def embed(some: Crops) -> Embeddings:
        nonlocal embedded
        with lock:
            embedded += len(some)
        return truth(some)

    async def whole() -> None:
        workers = Workers(3, embed, 4)
        tasks = [asyncio.ensure_future(workers.encode(partial(look, number))) for number in range(40)]
        for number, (_, embeddings) in enumerate(await asyncio.gather(*tasks)):
            np.testing.assert_array_equal(embeddings, truth(crops(1, number)))
        await asyncio.to_thread(workers.close)

    asyncio.run(whole())
    assert looked == embedded == 40
    # Those of a batch, and one more for each thread.
    assert max(held) <= 4 + 3


def test_all_threads_work_and_each_is_told_whether_it_is_alone() -> None:
    meet = threading.Barrier(3, timeout=PATIENCE)
    alone: list[bool] = []

    def look() -> FoundFaces:
        meet.wait()
        return found(crops(1))

    async def whole() -> None:
        workers = Workers(3, truth, 1, alone.append)
        await workers.find(lambda: found(crops(1)))
        assert alone == [True]
        await asyncio.gather(*(workers.encode(look) for _ in range(3)))
        await asyncio.to_thread(workers.close)

    asyncio.run(whole())
    # The third one to begin had company, whatever the first two knew.
    assert alone[3] is False


def test_an_error_of_one_photo_is_its_own() -> None:
    def fail() -> FoundFaces:
        raise ImageUnreadable("No picture.")

    async def whole() -> None:
        workers = Workers(2, truth, 2)
        wrong, right = workers.encode(fail), workers.encode(lambda: found(crops(1)))
        got = await asyncio.gather(wrong, right, workers.find(fail), return_exceptions=True)
        assert isinstance(got[0], ImageUnreadable)
        assert isinstance(got[2], ImageUnreadable)
        assert not isinstance(got[1], BaseException)
        np.testing.assert_array_equal(got[1][1], truth(crops(1)))
        await asyncio.to_thread(workers.close)

    asyncio.run(whole())
