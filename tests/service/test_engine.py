from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from tests.service.service_makers import PATIENCE, until

from firstsight.errors import (
    FirstsightError,
    ImageTooLarge,
    ImageUnreadable,
    NoFace,
    Overloaded,
    SeveralFaces,
    UsageError,
)
from firstsight.faces import Box, Face
from firstsight.images import Limits
from firstsight.recognizer import EncodedFace, Encoder
from firstsight.recognizer.encoder import FoundFaces
from firstsight.service import Settings
from firstsight.service import engine as engine_module
from firstsight.service.engine import Engine
from firstsight.service.workers import Crops, Embeddings

People = dict[str, list[Path]]
PICTURE = np.zeros((4, 4, 3), np.uint8)


class Fake:
    """In the place of an encoder: a photo is the number of its faces, or bytes that cannot be read."""

    def __init__(self) -> None:
        self.model = self
        self.decoding, self.embedding = threading.Event(), threading.Event()
        self.decoding.set()
        self.embedding.set()
        self.found = self.running = self.most = 0
        self._lock = threading.Lock()

    def find(self, photo: bytes, *, limits: Limits) -> FoundFaces:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.decoding.wait(PATIENCE)
        with self._lock:
            self.running -= 1
            self.found += 1
        if not photo.isdigit():
            raise ImageUnreadable("No picture.")
        count = int(photo)
        faces = [Face(Box(row, 0, row + 1, 1), np.zeros((5, 2), np.float32), 1.0) for row in range(count)]
        crops = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
        return FoundFaces(PICTURE, tuple(faces), crops)

    def embed(self, crops: Crops) -> Embeddings:
        assert self.embedding.wait(PATIENCE)
        return crops.reshape(len(crops), 1).astype(np.float32)


class Asked:
    """An engine as routes ask it: with a place in its line for each request."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.room, self.close = engine, engine.room, engine.close

    @property
    def depth(self) -> int:
        return self.engine.line.depth

    async def find(self, photo: bytes) -> FoundFaces:
        with self.engine.place() as place:
            return await place.find(photo)

    async def faces(self, photo: bytes, *, most: int | None = None) -> tuple[FoundFaces, list[EncodedFace]]:
        with self.engine.place() as place:
            return await place.faces(photo, most=most)

    async def only_face(self, photo: bytes, name: str) -> EncodedFace:
        with self.engine.place() as place:
            return await place.only_face(photo, name)


def run(fake: Fake, settings: Settings, test: Callable[[Asked], Awaitable[None]]) -> None:
    """A test in an event loop; whatever happened in it, nothing counts as in work afterwards."""

    async def whole() -> None:
        engine = Asked(Engine(cast(Encoder, fake), settings))
        async with asyncio.timeout(PATIENCE):
            await test(engine)
            assert engine.depth == 0
            await engine.close()

    asyncio.run(whole())


def starts(engine: Asked) -> list[Callable[[bytes], Awaitable[Any]]]:
    return [engine.find, engine.faces, lambda photo: engine.only_face(photo, "the photo")]


def test_the_faces_and_their_templates(encoder: Encoder, people: People, together: dict[Path, Any]) -> None:
    photos = [*(pictures[0] for pictures in list(people.values())[:3]), *list(together)[:2]]

    async def test(engine: Asked) -> None:
        found = await asyncio.gather(*(engine.faces(photo.read_bytes()) for photo in photos))
        for photo, (faces, encoded) in zip(photos, found, strict=True):
            wanted = encoder.faces(photo)
            assert [one.face.box for one in encoded] == [one.face.box for one in wanted]
            assert [face.box for face in faces.faces] == [one.face.box for one in wanted]
            for ours, theirs in zip(encoded, wanted, strict=True):
                np.testing.assert_allclose(ours.embedding, theirs.embedding, atol=1e-5)

    run(cast(Fake, encoder), Settings(), test)


def test_the_limits_of_a_photo_hold(encoder: Encoder, people: People) -> None:
    photo = next(iter(people.values()))[0].read_bytes()

    async def test(engine: Asked) -> None:
        for start in starts(engine):
            with pytest.raises(ImageTooLarge):
                await start(photo)

    run(cast(Fake, encoder), Settings(photo=Limits(bytes=len(photo), pixels=100)), test)
    run(cast(Fake, encoder), Settings(photo=Limits(bytes=len(photo) - 1)), test)


def test_only_the_largest_faces_when_told() -> None:
    async def test(engine: Asked) -> None:
        for most, wanted in ((2, [3, 4]), (5, [0, 1, 2, 3, 4]), (9, [0, 1, 2, 3, 4])):
            found, encoded = await engine.faces(b"5", most=most)
            assert [one.embedding.item() for one in encoded] == wanted
            assert [face.box.left for face in found.faces] == wanted

    run(Fake(), Settings(), test)


def test_no_face_is_no_error_unless_one_is_needed() -> None:
    async def test(engine: Asked) -> None:
        assert (await engine.faces(b"0"))[1] == []
        with pytest.raises(NoFace, match=r"ada\.jpg"):
            await engine.only_face(b"0", "ada.jpg")
        with pytest.raises(SeveralFaces, match=r"ada\.jpg") as several:
            await engine.only_face(b"2", "ada.jpg")
        assert [box.left for box in several.value.boxes] == [0, 1]
        assert (await engine.only_face(b"1", "ada.jpg")).embedding.item() == 0

    run(Fake(), Settings(), test)


def test_more_faces_than_are_allowed() -> None:
    async def test(engine: Asked) -> None:
        assert len((await engine.faces(b"3"))[1]) == 3
        for start in starts(engine):
            with pytest.raises(UsageError, match="4 faces; at most 3"):
                await start(b"4")
        # Not even when only some of them would be embedded.
        with pytest.raises(UsageError):
            await engine.faces(b"4", most=1)

    run(Fake(), Settings(faces=3), test)


@pytest.mark.parametrize("stage", ["decoding", "embedding"])
def test_more_than_may_wait_are_turned_away_at_once(stage: str) -> None:
    fake = Fake()
    getattr(fake, stage).clear()

    async def test(engine: Asked) -> None:
        tasks = [asyncio.create_task(engine.faces(b"1")) for _ in range(3)]
        await until(lambda: engine.depth == 3)
        for start in starts(engine):
            with pytest.raises(Overloaded) as refused:
                await start(b"1")
            assert refused.value.retry_after == 1
        assert engine.depth == 3
        getattr(fake, stage).set()
        assert [len(encoded) for _, encoded in await asyncio.gather(*tasks)] == [1, 1, 1]
        # And there is room again.
        await asyncio.gather(*(engine.faces(b"1") for _ in range(3)))

    run(fake, Settings(waiting=3, rush=3), test)


def test_no_more_are_decoded_at_once_than_there_are_workers() -> None:
    fake = Fake()
    fake.decoding.clear()

    async def test(engine: Asked) -> None:
        tasks = [asyncio.create_task(engine.find(b"1")) for _ in range(10)]
        await until(lambda: fake.running == 2)
        await asyncio.sleep(0.05)
        fake.decoding.set()
        await asyncio.gather(*tasks)

    run(fake, Settings(workers=2, waiting=10), test)
    assert fake.most == 2
    assert fake.found == 10


@pytest.mark.parametrize("stage", ["decoding", "embedding"])
def test_who_waits_too_long_is_told_to_come_back(stage: str) -> None:
    """Those in work, and those behind them; the photos after them are done as ever."""
    fake = Fake()
    getattr(fake, stage).clear()

    async def test(engine: Asked) -> None:
        tasks = [asyncio.create_task(engine.faces(b"1")) for _ in range(5)]
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(found, Overloaded)
            assert found.retry_after is not None
            assert found.retry_after >= 1
        assert engine.depth == 0
        getattr(fake, stage).set()
        assert len((await engine.faces(b"2"))[1]) == 2

    run(fake, Settings(workers=1, deadline=0.25), test)
    # Only what had begun, and the last one: nobody waits for those that had not.
    assert fake.found == (2 if stage == "decoding" else 3)


@pytest.mark.parametrize("stage", ["decoding", "embedding"])
def test_who_has_gone_is_no_longer_counted(stage: str) -> None:
    fake = Fake()
    getattr(fake, stage).clear()

    async def test(engine: Asked) -> None:
        tasks = [asyncio.create_task(engine.faces(b"1")) for _ in range(4)]
        await until(lambda: engine.depth == 4)
        for task in tasks[1:]:
            task.cancel()
        await asyncio.wait(tasks[1:])
        assert engine.depth == 1
        getattr(fake, stage).set()
        assert len((await tasks[0])[1]) == 1

    run(fake, Settings(), test)


def test_after_errors_nothing_counts_as_waiting() -> None:
    async def test(engine: Asked) -> None:
        for _ in range(3):
            for start in starts(engine):
                with pytest.raises(FirstsightError) as refused:
                    await start(b"not a picture")
                assert isinstance(refused.value, ImageUnreadable)
                assert engine.depth == 0

    run(Fake(), Settings(waiting=1, rush=1), test)


def test_imports_leave_half_of_the_places_to_others() -> None:
    """However many there are: none is turned away, and neither is who asks meanwhile."""
    fake = Fake()
    fake.decoding.clear()

    async def test(engine: Asked) -> None:
        async def imported() -> None:
            await engine.room()
            await engine.find(b"1")

        tasks = [asyncio.create_task(imported()) for _ in range(20)]
        await until(lambda: engine.depth == 3)
        await asyncio.sleep(0.1)
        assert engine.depth == 3
        asked = asyncio.create_task(engine.find(b"1"))
        await until(lambda: engine.depth == 4)
        fake.decoding.set()
        await asyncio.gather(asked, *tasks)

    run(fake, Settings(waiting=4, rush=4), test)
    assert fake.found == 21


def test_photos_of_one_request_share_its_place() -> None:
    """Whoever was let in is not sent away between two of them."""
    fake = Fake()

    async def test(asked: Asked) -> None:
        with asked.engine.place() as place:
            assert len((await place.faces(b"1"))[1]) == 1
            fake.decoding.clear()
            other = asyncio.create_task(asked.find(b"1"))
            await until(lambda: asked.depth == 2)
            with pytest.raises(Overloaded):
                await asked.find(b"1")
            fake.decoding.set()
            assert len((await place.faces(b"1"))[1]) == 1
            await other

    run(fake, Settings(waiting=2, rush=2), test)


def test_a_photo_that_is_alone_gets_all_cores_and_several_one_each(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, told = Fake(), list[int]()
    monkeypatch.setattr(engine_module, "spread", told.append)

    async def test(asked: Asked) -> None:
        await asked.faces(b"1")
        assert told == [7, 7]
        fake.decoding.clear()
        tasks = [asyncio.create_task(asked.faces(b"1")) for _ in range(2)]
        await until(lambda: fake.running == 2)
        assert told[3:] == [1]
        fake.decoding.set()
        await asyncio.gather(*tasks)

    run(fake, Settings(workers=2, cores=7), test)
    told.clear()
    # The process is somebody else's: its threads are left as they are.

    async def again(asked: Asked) -> None:
        await asked.faces(b"1")

    run(fake, Settings(workers=2), again)
    assert told == []


def test_closing_waits_for_what_is_in_work() -> None:
    fake = Fake()
    fake.embedding.clear()

    async def test(engine: Asked) -> None:
        task = asyncio.create_task(engine.faces(b"1"))
        await until(lambda: fake.found == 1)
        await asyncio.sleep(0.01)
        closing = asyncio.create_task(engine.close())
        await asyncio.sleep(0)
        fake.embedding.set()
        await closing
        assert len((await task)[1]) == 1

    run(fake, Settings(), test)


def test_large_photos_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself would fit into the memory, all of them together would not."""
    monkeypatch.setattr(engine_module, "needed_memory", lambda photo, **_: 600)
    fake = Fake()
    engine = Engine(cast(Encoder, fake), Settings(workers=3, decoding_bytes=1000))

    async def whole() -> None:
        asked = Asked(engine)
        fake.decoding.clear()
        work = [asyncio.create_task(asked.find(b"1")) for _ in range(3)]
        await until(lambda: fake.running == 1)
        await asyncio.sleep(0.05)
        fake.decoding.set()
        await asyncio.gather(*work)
        await engine.close()

    asyncio.run(whole())
    assert (fake.found, fake.most) == (3, 1)
