"""Fixtures of the tests of training."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.training.trainings import draw_people


@pytest.fixture(scope="session")
def people_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 identities with 6 pictures each."""
    return draw_people(tmp_path_factory.mktemp("people") / "people")


@pytest.fixture(scope="session")
def prepared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of prepared data that tests share."""
    return tmp_path_factory.mktemp("prepared")
