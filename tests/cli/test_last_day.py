"""The day up to which somebody is kept: a slip of the keyboard must not have them erased."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from firstsight.gallery import Contract, open_store

CONTRACT = Contract("sface", "0" * 64, "v", 8)


@pytest.fixture
def peopled(gallery: Path) -> Path:
    with closing(open_store(gallery, CONTRACT)) as store:
        store.add("Ada", [])
    return gallery


def yesterday() -> str:
    return (datetime.now(UTC).date() - timedelta(1)).isoformat()


@pytest.mark.parametrize("day", ["2000-01-01", yesterday()])
def test_a_day_that_has_passed_is_refused(run: Run, peopled: Path, day: str) -> None:
    for command in (
        ("people", "note", "Ada", "--retain-until", day),
        ("enroll", "a.jpg", "--name", "Ada", "--retain-until", day),
        ("enroll", "--folder", "photos", "--retain-until", day),
    ):
        ran = run(*command)
        assert ran.status == 2
        assert f"{day} is before today" in " ".join(ran.err.split())
    with closing(open_store(peopled)) as store:
        assert store.person("Ada").retain_until is None


def test_today_is_not(run: Run, peopled: Path) -> None:
    today = datetime.now(UTC).date().isoformat()
    ran = run("people", "note", "Ada", "--retain-until", today, "--json")
    assert ran.json["person"]["retain_until"] == today
