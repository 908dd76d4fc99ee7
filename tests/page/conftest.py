"""Chromium, a camera that shows a sample person, and a service for it to visit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from tests.service.conftest import Served, serving

from firstsight import samples
from firstsight.gallery import NewTemplate
from firstsight.recognizer import Encoder
from firstsight.recognizer.recognizer import new_template
from firstsight.service import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext
    from tests.page.browsing import Visit

QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever the page or the browser itself would ask for elsewhere is not even looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
HOW = "CHROMIUM MISSING: the page is not tested; apt-get install chromium, or name one with CHROMIUM=PATH"
FRAMES = "() => new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))"
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 860}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 860}},
    "phone": {"color_scheme": "light", **PHONE},
    "dark phone": {"color_scheme": "dark", **PHONE},
}


def find_chromium() -> str | None:
    return shutil.which(os.environ.get("CHROMIUM") or "chromium")


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera shows: a sample person before a wall, frame after frame."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    face = Image.open(samples.people()["Amara"][1]).resize((400, 400), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", (640, 480), (96, 104, 112))
    frame.paste(face, (120, 40))
    with path.open("wb") as file:
        for _ in range(10):
            frame.save(file, "JPEG", quality=92)
    return path


@pytest.fixture(scope="package")
def browser(camera: Path) -> Iterator[Browser]:
    """Ends with this folder's tests: while it runs, no other test could have a loop of asyncio."""
    found = find_chromium()
    if found is None:
        pytest.skip(HOW)
    from playwright.sync_api import sync_playwright

    flags = [*QUIET, *CAMERA, f"--use-file-for-fake-video-capture={camera}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=flags, ignore_default_args=["--headless"]
        )
        yield browser
        browser.close()


@pytest.fixture
def served(tmp_path: Path, encoder: Encoder) -> Iterator[Served]:
    with serving(tmp_path, encoder, Settings()) as found:
        yield found


@pytest.fixture(scope="session")
def faces(encoder: Encoder) -> dict[str, NewTemplate]:
    """Three sample people, from their first picture, which is kept."""
    first = {name: samples.people()[name][0] for name in ("Amara", "Bruno", "Celeste")}
    return {
        name: new_template(encoder.only_face(photo), photo.name, keep_crop=True, force=False)
        for name, photo in first.items()
    }


@pytest.fixture
def enrolled(served: Served, faces: dict[str, NewTemplate]) -> Served:
    """A gallery of three sample people."""
    for name, face in faces.items():
        served.recognizer.store.add(name, [face])
    return served


@pytest.fixture
def shot(tmp_path: Path) -> Callable[[Visit, str], None]:
    """Save what is seen, for somebody to look at; in the folder that FIRSTSIGHT_ARTEFACTS names."""
    folder = Path(os.environ.get("FIRSTSIGHT_ARTEFACTS") or tmp_path)

    def take(visit: Visit, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # A page that has just scrolled is seen at its new place two frames later.
        visit.page.evaluate(FRAMES)
        visit.page.screenshot(path=folder / f"{name}.png", animations="disabled")

    return take


@pytest.fixture
def look() -> str:
    return "light"


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> Iterator[Callable[[str], BrowserContext]]:
    """A window for each look, opened once: every visit has a tab and an address of its own."""
    opened: dict[str, BrowserContext] = {}

    def context(look: str) -> BrowserContext:
        if look not in opened:
            opened[look] = browser.new_context(reduced_motion="reduce", **LOOKS[look])  # type: ignore[arg-type]
            opened[look].set_default_timeout(15_000)
        return opened[look]

    yield context
    for each in opened.values():
        each.close()


@pytest.fixture
def visit(contexts: Callable[[str], BrowserContext], served: Served, look: str) -> Iterator[Visit]:
    """A visit to the service, not signed in; at its end nothing may have gone wrong or elsewhere."""
    from tests.page.browsing import Visit

    found = Visit(contexts(look).new_page(), served)
    yield found
    found.page.close()
    assert found.faults == []
    assert found.refusals == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if find_chromium() is None:
        terminalreporter.section("browser missing", red=True)
        terminalreporter.line(HOW)
