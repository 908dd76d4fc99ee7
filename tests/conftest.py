"""Shared fixtures: the models, the sample people, and the real data where it is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from firstsight import samples
from firstsight.faces import Detector
from firstsight.models import Model, open_model
from firstsight.recognizer import Encoder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def sface() -> Model:
    return open_model("sface")


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="session")
def encoder(sface: Model, detector: Detector) -> Encoder:
    return Encoder(sface, detector=detector)


@pytest.fixture(scope="session")
def people() -> dict[str, list[Path]]:
    return samples.people()


@pytest.fixture(scope="session")
def strangers() -> dict[str, list[Path]]:
    return samples.strangers()


@pytest.fixture(scope="session")
def together() -> dict[Path, tuple[str, ...]]:
    return samples.together()


def data_folder() -> Path:
    return Path(os.environ.get("FIRSTSIGHT_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real data sets: FIRSTSIGHT_DATA, or ../shared/data beside the checkout."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip("REAL DATA MISSING: set FIRSTSIGHT_DATA to a folder with lfw/ and celeba/")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not data_folder().is_dir():
        terminalreporter.section("real data missing", red=True)
        terminalreporter.line(
            "Tests on LFW and CelebA were SKIPPED: set FIRSTSIGHT_DATA to a folder with lfw/ and celeba/."
        )
