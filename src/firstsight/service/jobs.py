"""Imports that go on after they were answered: photo by photo, each with an outcome of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from firstsight import fields
from firstsight.errors import FirstsightError, NoSuchJob, Overloaded
from firstsight.service import faults

Photo = tuple[str, str, Callable[[], bytes]]
"""What it is called, whose it is, and its bytes when they are needed."""
Enrol = Callable[[str, str, bytes], Awaitable[bool]]
"""Enrols a photo (its name, its person, its bytes) and tells whether it was new."""
log = logging.getLogger("firstsight.service")


@dataclass(slots=True, eq=False)
class Job:
    """An import as it stands."""

    whole: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: str = "running"
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "state": self.state,
            "done": len(self.outcomes),
            "whole": self.whole,
            "outcomes": list(self.outcomes),
        }


class Jobs:
    """The latest imports. Of one event loop."""

    def __init__(self, kept: int) -> None:
        """Remember so many; the oldest finished one is forgotten first."""
        self._kept = kept
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, photos: list[Photo], enrol: Enrol, ended: Callable[[], None] = lambda: None) -> Job:
        """Begin an import; ``ended`` is called once, after it, however it ends.

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
        task = asyncio.create_task(_run(job, photos, enrol))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Also of one that is cancelled before its first step.
        task.add_done_callback(lambda _: ended())
        return job

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


async def _run(job: Job, photos: Iterable[Photo], enrol: Enrol) -> None:
    try:
        for name, person, read in photos:
            outcome: dict[str, Any] = {"photo": name, "person": person, "enrolled": False, "error": None}
            try:
                outcome["enrolled"] = await enrol(name, person, await asyncio.to_thread(read))
            except FirstsightError as error:
                outcome["error"] = fields.error(faults.veiled(error, "import", job.id))
            job.outcomes.append(outcome)
        job.state = "done"
    except Exception as error:
        log.error("import %s failed at photo %d\n%s", job.id, len(job.outcomes) + 1, faults.told(error))
    finally:
        if job.state == "running":
            job.state = "failed"
