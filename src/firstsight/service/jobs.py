"""Imports that go on after they were answered: photo by photo, each with an outcome of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from firstsight import fields
from firstsight.errors import FirstsightError, NoSuchJob, Overloaded
from firstsight.service import faults

Photo = tuple[str, str, Callable[[], bytes]]
"""What it is called, whose it is, and its bytes when they are needed."""
log = logging.getLogger("firstsight.service")
REMEMBERED: Final = 3600.0
"""Seconds after which an import that ended is forgotten: it holds people's names."""
GONE: Final = "Whoever this photo was of is not in the gallery any more."


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Whose photo it is."""

    person_id: int
    new: bool
    """Not there before."""


Enrol = Callable[[str, str, bytes], Awaitable[Enrolled]]
"""Enrols a photo: its name, its person, its bytes."""
Number = Callable[[str], Awaitable[int | None]]
"""The number of who is called so, where anybody is."""


async def nobody(_: str) -> int | None:
    """Where no numbers are known."""
    return None


@dataclass(slots=True, eq=False)
class Job:
    """An import as it stands."""

    whole: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "running"
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    def numbers(self) -> list[int]:
        """Of the people in it, ascending."""
        return sorted({one["person_id"] for one in list(self.outcomes) if one["person_id"] is not None})

    def fields(self, gone: Container[int] = ()) -> dict[str, Any]:
        """As JSON, without the names and the photos of who is gone."""
        outcomes = list(self.outcomes)
        return {
            "id": self.id,
            "state": self.state,
            "done": len(outcomes),
            "whole": self.whole,
            "outcomes": [_unnamed(one) if one["person_id"] in gone else one for one in outcomes],
        }


class Jobs:
    """The latest imports. Of one event loop."""

    def __init__(self, kept: int, remembered: float = REMEMBERED) -> None:
        """Remember so many, for so many seconds after their end; the oldest is forgotten first."""
        self._kept, self._remembered = kept, remembered
        self.turn = asyncio.Lock()
        """Of imports that must not do the same at once."""
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self,
        photos: list[Photo],
        enrol: Enrol,
        ended: Callable[[], None] = lambda: None,
        number: Number = nobody,
    ) -> Job:
        """Begin an import; ``ended`` is called once, after it, however it ends.

        ``number`` is asked of whom a photo was to show that could not be enrolled.

        Raises:
            Overloaded: as many as are remembered are still running.
        """
        for old in [job for job in self._jobs.values() if job.state != "running"]:
            if len(self._jobs) >= self._kept:
                del self._jobs[old.id]
        if len(self._jobs) >= self._kept:
            raise Overloaded(
                f"{len(self._jobs)} imports are running.", hint="Wait for one of them.", retry_after=10
            )
        job = Job(len(photos))
        self._jobs[job.id] = job
        task = asyncio.create_task(_run(job, photos, enrol, number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Also of one that is cancelled before its first step.
        task.add_done_callback(lambda _: ended())
        loop = asyncio.get_running_loop()
        task.add_done_callback(lambda _: loop.call_later(self._remembered, self._forget, job.id))
        return job

    def _forget(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)

    def get(self, job_id: str) -> Job:
        """An import by its id.

        Raises:
            NoSuchJob: it is not known, or was forgotten.
        """
        if job_id not in self._jobs:
            raise NoSuchJob("There is no such import, or it is long done.", hint="Start it again.")
        return self._jobs[job_id]

    async def close(self) -> None:
        """Stop what is running; what was enrolled stays."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # One that was cancelled before its first step never ran its own ending.
        for job in self._jobs.values():
            if job.state == "running":
                job.state = "failed"


def _unnamed(outcome: dict[str, Any]) -> dict[str, Any]:
    """What an error says may name the photo, and that the person."""
    error = outcome["error"]
    told = None if error is None else {"code": error["code"], "message": GONE, "hint": ""}
    return outcome | {"photo": "", "person": "", "error": told}


async def _run(job: Job, photos: Iterable[Photo], enrol: Enrol, number: Number) -> None:
    refused: dict[str, list[dict[str, Any]]] = {}
    try:
        for name, person, read in photos:
            outcome: dict[str, Any] = {
                "photo": name,
                "person": person,
                "person_id": None,
                "enrolled": False,
                "error": None,
            }
            try:
                enrolled = await enrol(name, person, await asyncio.to_thread(read))
                outcome["person_id"], outcome["enrolled"] = enrolled.person_id, enrolled.new
                # Photos of theirs that were refused before they had a number.
                for earlier in refused.pop(person, []):
                    earlier["person_id"] = enrolled.person_id
            except FirstsightError as error:
                outcome["error"] = fields.error(faults.veiled(error, "import", job.id))
                outcome["person_id"] = await number(person)
                if outcome["person_id"] is None:
                    refused.setdefault(person, []).append(outcome)
            job.outcomes.append(outcome)
        job.state = "done"
    except Exception as error:
        log.error("import %s failed at photo %d\n%s", job.id, len(job.outcomes) + 1, faults.told(error))
    finally:
        if job.state == "running":
            job.state = "failed"
