"""What the tests of the page are made of: a visit in a browser that watches itself, and photos to bring."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from tests.service.conftest import Served

HOW = "PLAYWRIGHT MISSING: the page is not tested; pip install playwright"
pytest.importorskip("playwright.sync_api", reason=HOW)

from playwright.sync_api import Locator, Page, expect  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, FilePayload, Request

__all__ = [
    "Locator",
    "Page",
    "Visit",
    "drop",
    "expect",
    "paste",
    "payload",
    "place",
    "png_without_a_face",
    "reader",
]

expect.set_options(timeout=15_000)
REFUSED = re.compile(r"the server responded with a status of (\d+)")
CARRY = """([files]) => {
  const made = new DataTransfer();
  for (const { name, type, bytes } of files)
    made.items.add(new File([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], name, { type }));
  return made;
}"""
"""Files as a browser hands them over when they are dropped or pasted."""


@dataclass
class Visit:
    """A page of the service in a browser; what it asks for and complains of is noted."""

    page: Page
    served: Served
    faults: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    """Statuses of refused requests; a test that provokes one takes it out."""

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        # From the start: a chooser that opens before somebody listens would wait for a hand.
        self.page.on("filechooser", lambda _: None)
        self.page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.served.url}/", "blob:", "data:")):
            self.faults.append(f"asked elsewhere: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # The browser reports every refused request as an error of the console.
        if refused := REFUSED.search(message.text):
            self.refusals.append(int(refused[1]))
        else:
            self.faults.append(f"console: {message.text}")

    def refused(self, *statuses: int) -> None:
        """These requests were refused, and no others, since this was last asked."""
        assert self.refusals == list(statuses)
        self.refusals.clear()

    def sign_in(self, role: str = "admin") -> Visit:
        """Open the page with the key of a role."""
        self.page.goto(self.served.url)
        self.page.get_by_label("API key", exact=True).fill(self.served.secrets[role])
        self.page.get_by_role("button", name="Open").click()
        expect(self.page.get_by_role("heading", level=1, name="People")).to_be_visible()
        return self

    def view(self, name: str) -> Page:
        """Go to a section by its tab."""
        self.page.get_by_role("navigation").get_by_role("link", name=name).click()
        expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()
        return self.page

    def choose(self, *photos: Path | FilePayload, where: str, by: str = "Choose a photo") -> None:
        """Choose files with the button of a place for photos."""
        with self.page.expect_file_chooser() as opened:
            place(self.page, where).get_by_role("button", name=by).click()
        files: Any = list(photos)
        opened.value.set_files(files)

    def identify(self, photo: Path | FilePayload) -> Page:
        """Show a photo to the section that says who is in it."""
        page = self.view("Identify")
        self.choose(photo, where="A photo")
        return page

    def wide(self) -> int:
        """Pixels that the page is wider than its window: what one would have to scroll."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, found)


def place(page: Page, title: str) -> Locator:
    """A place for photos, by its title."""
    return page.get_by_role("group", name=title)


def payload(photo: Path, name: str | None = None) -> FilePayload:
    """A photo under a name."""
    return {"name": name or photo.name, "mimeType": "image/jpeg", "buffer": photo.read_bytes()}


def png_without_a_face() -> FilePayload:
    """A picture of nothing."""
    written = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(written, "PNG")
    return {"name": "wall.png", "mimeType": "image/png", "buffer": written.getvalue()}


def _carried(page: Page, photos: tuple[Path, ...]) -> Any:
    files = [
        {
            "name": photo.name,
            "type": "image/jpeg",
            "bytes": base64.b64encode(photo.read_bytes()).decode(),
        }
        for photo in photos
    ]
    return page.evaluate_handle(CARRY, [files])


def drop(page: Page, onto: Locator, *photos: Path) -> None:
    """Drag files over an element and let go of them."""
    carried = _carried(page, photos)
    for event in ("dragenter", "dragover", "drop"):
        onto.dispatch_event(event, {"dataTransfer": carried})


def paste(page: Page, *photos: Path) -> None:
    """Paste files."""
    page.evaluate(
        "(files) => document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: files }))",
        _carried(page, photos),
    )


@contextmanager
def reader(visit: Visit) -> Iterator[Any]:
    """Ask the service itself what it holds."""
    with visit.served.http() as http:
        yield lambda path: http.get(path).raise_for_status().json()
