from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from tests.service.service_makers import PATIENCE, until

from firstsight.errors import GalleryUnavailable, ImageUnreadable, NoFace, NoSuchJob, Overloaded
from firstsight.service.jobs import GONE, Enrolled, Job, Jobs, Photo

NUMBERS = {"Ada": 1, "Bob": 2, "Cy": 3, "Dee": 4}


class Enrolling:
    """Enrols a photo whenever it is told to; b"old" is there already."""

    def __init__(self, *, held: bool = False) -> None:
        self.enrolled: list[tuple[str, str, bytes]] = []
        self.allowed = asyncio.Semaphore(0 if held else 1000)

    async def __call__(self, photo: str, person: str, content: bytes) -> Enrolled:
        await self.allowed.acquire()
        if content == b"no face":
            raise NoFace(f"No face was found in {photo}.", hint="Use another.")
        if content == b"broken":
            raise ZeroDivisionError
        self.enrolled.append((photo, person, content))
        return Enrolled(NUMBERS[person], new=content != b"old")


def photo(name: str, content: bytes = b"picture") -> Photo:
    return f"{name}/1.jpg", name, lambda: content


def unreadable() -> bytes:
    raise ImageUnreadable("Cy/1.jpg cannot be unpacked.", hint="Zip it again.")


def run(test: Callable[[Jobs], Awaitable[None]], kept: int = 20) -> None:
    async def whole() -> None:
        jobs = Jobs(kept)
        async with asyncio.timeout(PATIENCE):
            await test(jobs)
            await jobs.close()

    asyncio.run(whole())


def reached(jobs: Jobs, job: Job, done: int) -> bool:
    return bool(jobs.get(job.id).fields()["done"] == done)


async def finished(job: Job) -> None:
    await until(lambda: job.state != "running")


def test_progress_photo_by_photo() -> None:
    async def test(jobs: Jobs) -> None:
        enrol = Enrolling(held=True)
        job = jobs.start([photo("Ada"), photo("Bob", b"old"), photo("Cy")], enrol)
        assert jobs.get(job.id).fields() == {
            "id": job.id,
            "state": "running",
            "done": 0,
            "whole": 3,
            "outcomes": [],
        }
        for done in (1, 2):
            enrol.allowed.release()
            await until(partial(reached, jobs, job, done))
            assert job.state == "running"
        enrol.allowed.release()
        await finished(job)
        fields = jobs.get(job.id).fields()
        assert (fields["state"], fields["done"], fields["whole"]) == ("done", 3, 3)
        assert fields["outcomes"] == [
            {"photo": "Ada/1.jpg", "person": "Ada", "person_id": 1, "enrolled": True, "error": None},
            {"photo": "Bob/1.jpg", "person": "Bob", "person_id": 2, "enrolled": False, "error": None},
            {"photo": "Cy/1.jpg", "person": "Cy", "person_id": 3, "enrolled": True, "error": None},
        ]

    run(test)


def test_the_error_of_a_photo_is_its_outcome_and_the_others_follow() -> None:
    async def test(jobs: Jobs) -> None:
        enrol = Enrolling()
        photos = [photo("Ada", b"no face"), photo("Bob"), ("Cy/1.jpg", "Cy", unreadable), photo("Dee")]
        job = jobs.start(photos, enrol)
        await finished(job)
        assert job.state == "done"
        assert [outcome["enrolled"] for outcome in job.outcomes] == [False, True, False, True]
        assert [outcome["error"] for outcome in job.outcomes] == [
            {"code": "no_face", "message": "No face was found in Ada/1.jpg.", "hint": "Use another."},
            None,
            {"code": "image_unreadable", "message": "Cy/1.jpg cannot be unpacked.", "hint": "Zip it again."},
            None,
        ]
        assert [person for _, person, _ in enrol.enrolled] == ["Bob", "Dee"]

    run(test)


def test_a_gallery_that_cannot_be_used_is_told_without_its_place() -> None:
    """Whoever may read may ask for an import; what the database said is for the log."""

    async def failing(*_: object) -> Enrolled:
        raise GalleryUnavailable("/srv/people.db cannot be opened (disk I/O error).")

    async def test(jobs: Jobs) -> None:
        job = jobs.start([photo("Ada")], failing)
        await finished(job)
        (outcome,) = job.outcomes
        assert outcome["error"]["code"] == "gallery_unavailable"
        assert "/srv" not in str(outcome)
        assert job.id in outcome["error"]["hint"]

    run(test)


def test_photos_are_read_one_by_one_and_only_when_needed() -> None:
    read: list[str] = []

    def reading(name: str) -> Photo:
        def content() -> bytes:
            read.append(name)
            return name.encode()

        return f"{name}/1.jpg", name, content

    async def test(jobs: Jobs) -> None:
        enrol = Enrolling(held=True)
        job = jobs.start([reading("Ada"), reading("Bob")], enrol)
        await until(lambda: read == ["Ada"])
        await asyncio.sleep(0.01)
        assert read == ["Ada"]
        enrol.allowed.release()
        enrol.allowed.release()
        await finished(job)
        assert [content for _, _, content in enrol.enrolled] == [b"Ada", b"Bob"]

    run(test)


def test_while_a_photo_is_read_others_are_answered() -> None:
    read, answered = threading.Event(), threading.Event()

    def slow() -> bytes:
        read.set()
        return b"answered" if answered.wait(1) else b"kept waiting"

    async def test(jobs: Jobs) -> None:
        enrol = Enrolling()
        job = jobs.start([("Ada/1.jpg", "Ada", slow)], enrol)
        await until(read.is_set)
        answered.set()
        await finished(job)
        assert [content for _, _, content in enrol.enrolled] == [b"answered"]

    run(test)


def test_a_fault_of_ours_ends_the_import_and_says_so() -> None:
    async def test(jobs: Jobs) -> None:
        enrol = Enrolling()
        job = jobs.start([photo("Ada"), photo("Bob", b"broken"), photo("Cy")], enrol)
        await finished(job)
        assert jobs.get(job.id).fields()["state"] == "failed"
        assert job.outcomes[0]["enrolled"]
        # The others are not touched by it.
        other = jobs.start([photo("Dee")], enrol)
        await finished(other)
        assert other.state == "done"

    run(test)


def test_a_fault_of_ours_is_in_the_log_without_whose_photo_it_was(caplog: pytest.LogCaptureFixture) -> None:
    async def enrol(photo: str, person: str, content: bytes) -> Enrolled:
        raise LookupError(f"{person} in {photo}: {content!r}")

    async def test(jobs: Jobs) -> None:
        job = jobs.start([photo("Zebediah", b"pixels")], enrol)
        await finished(job)
        (line,) = (record.getMessage() for record in caplog.records)
        assert job.id in line
        assert "builtins.LookupError" in line
        assert "test_jobs.py" in line

    run(test)
    assert "Zebediah" not in caplog.text
    assert "pixels" not in caplog.text


def test_the_end_is_told_once_however_it_ends() -> None:
    ends: list[str] = []

    async def test(jobs: Jobs) -> None:
        broken, good = photo("Ada", b"broken"), photo("Bob")
        for name, photos, enrol in (
            ("done", [good], Enrolling()),
            ("failed", [broken, good], Enrolling()),
            ("nothing", [], Enrolling()),
            ("stopped", [good], Enrolling(held=True)),
        ):
            jobs.start(photos, enrol, partial(ends.append, name))
        await until(lambda: len(ends) == 3)
        assert "stopped" not in ends
        jobs.start([good], Enrolling(), partial(ends.append, "not begun"))
        await jobs.close()

    run(test)
    assert sorted(ends) == ["done", "failed", "not begun", "nothing", "stopped"]


def test_imports_do_not_wait_for_each_other() -> None:
    async def test(jobs: Jobs) -> None:
        slow = jobs.start([photo("Ada")], Enrolling(held=True))
        quick = jobs.start([photo("Bob")], Enrolling())
        assert slow.id != quick.id
        await finished(quick)
        assert (slow.state, quick.state) == ("running", "done")

    run(test)


def test_what_was_told_does_not_change_afterwards() -> None:
    async def test(jobs: Jobs) -> None:
        enrol = Enrolling(held=True)
        job = jobs.start([photo("Ada")], enrol)
        told = job.fields()
        enrol.allowed.release()
        await finished(job)
        assert told["outcomes"] == []

    run(test)


def test_who_is_gone_is_not_named_neither_by_photos_that_were_refused() -> None:
    async def number(person: str) -> int | None:
        return 9 if person == "Eve" else None

    async def test(jobs: Jobs) -> None:
        photos = [photo("Ada", b"no face"), photo("Ada"), photo("Bob"), photo("Cy", b"no face")]
        job = jobs.start([*photos, photo("Eve", b"no face")], Enrolling(), number=number)
        await finished(job)
        assert job.numbers() == [1, 2, 9]
        told = job.fields({1, 9})["outcomes"]
        assert "Ada" not in str(told)
        assert "Eve" not in str(told)
        assert [one["person"] for one in told] == ["", "", "Bob", "Cy", ""]
        assert told[0]["error"] == {"code": "no_face", "message": GONE, "hint": ""}
        assert job.fields()["outcomes"][0]["person"] == "Ada"

    run(test)


def test_what_ended_is_forgotten_after_a_while() -> None:
    async def whole() -> None:
        jobs = Jobs(20, remembered=0)
        running = jobs.start([photo("Ada")], Enrolling(held=True))
        done = jobs.start([photo("Bob")], Enrolling())
        await finished(done)
        await asyncio.sleep(0.05)
        with pytest.raises(NoSuchJob):
            jobs.get(done.id)
        assert jobs.get(running.id) is running
        await jobs.close()

    asyncio.run(whole())


def test_an_import_of_nothing_is_done() -> None:
    async def test(jobs: Jobs) -> None:
        job = jobs.start([], Enrolling())
        await finished(job)
        assert (job.state, job.outcomes) == ("done", [])

    run(test)


def test_the_oldest_finished_one_is_forgotten_first() -> None:
    async def test(jobs: Jobs) -> None:
        running = jobs.start([photo("Ada")], Enrolling(held=True))
        done = [jobs.start([photo("Bob")], Enrolling()) for _ in range(2)]
        for job in done:
            await finished(job)
        latest = jobs.start([photo("Cy")], Enrolling())
        with pytest.raises(NoSuchJob):
            jobs.get(done[0].id)
        for job in (running, done[1], latest):
            assert jobs.get(job.id) is job

    run(test, kept=3)


def test_when_all_are_running_no_more_are_taken() -> None:
    async def test(jobs: Jobs) -> None:
        enrol = Enrolling(held=True)
        running = [jobs.start([photo("Ada")], enrol) for _ in range(2)]
        with pytest.raises(Overloaded) as refused:
            jobs.start([photo("Bob")], enrol)
        assert refused.value.retry_after is not None
        assert [jobs.get(job.id).state for job in running] == ["running", "running"]
        enrol.allowed.release()
        await until(lambda: any(job.state == "done" for job in running))
        later = jobs.start([photo("Bob")], enrol)
        assert jobs.get(later.id) is later
        assert [person for _, person, _ in enrol.enrolled] == ["Ada"]

    run(test, kept=2)


def test_an_import_that_is_not_known() -> None:
    async def test(jobs: Jobs) -> None:
        with pytest.raises(NoSuchJob):
            jobs.get("")

    run(test)


def test_closing_stops_what_is_running() -> None:
    async def test(jobs: Jobs) -> None:
        enrol = Enrolling(held=True)
        enrol.allowed.release()
        stopped = jobs.start([photo("Ada"), photo("Bob")], enrol)
        await until(lambda: len(stopped.outcomes) == 1)
        await jobs.close()
        assert stopped.state == "failed"
        enrol.allowed.release()
        await asyncio.sleep(0.01)
        assert [person for _, person, _ in enrol.enrolled] == ["Ada"]

    run(test)


def test_closing_stops_also_what_has_only_just_been_asked_for() -> None:
    async def test(jobs: Jobs) -> None:
        job = jobs.start([photo("Ada")], Enrolling())
        await jobs.close()
        assert job.state == "failed"

    run(test)
